// The order page: what is chosen stands above the button, and on a phone one line stands for the buyer's fields.

const form = document.getElementById("order-form");
const buyer = form.querySelector(".buyer");
const [fold, change] = buyer.querySelectorAll(".brief > *");

// The product's name and price, and the method with its provider, as the chosen buttons have them.
function showChoice() {
  const chosen = (name) => form.querySelector(`[name=${name}]:checked`)?.nextElementSibling;
  const product = chosen("productId");
  if (!product) return; // the catalogue is empty
  document.getElementById("pay").textContent = product.previousElementSibling.dataset.pay;
  for (const part of [".name", "b"]) form.querySelector(`.sum ${part}`).replaceWith(product.querySelector(part).cloneNode(true));
  const isEasy = form.querySelector("[value=EASY_PAY]:checked");
  const methods = [chosen("payMethod"), isEasy && chosen("easyPayProvider")].filter(Boolean);
  form.querySelector(".by").textContent = methods.map((each) => each.textContent.trim()).join(" · ");
  fold.textContent = [...buyer.querySelectorAll("input")].map((each) => each.value).join(" · ");
}

form.addEventListener("input", showChoice);
showChoice(); // the browser may have restored what was chosen before
// Whatever takes the focus unfolds the fields: a tap on the button, the Tab key, a mistake that the shop found.
buyer.addEventListener("focusin", ({ target }) => target !== change && buyer.classList.remove("folded"));
change.addEventListener("click", () => buyer.querySelector("input").focus());
