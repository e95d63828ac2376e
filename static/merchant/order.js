// The order page: what is chosen stands above the button, and on a phone the buyer's fields fold into one line.

const form = document.getElementById("order-form");
const sum = form.querySelector(".sum");
const buyer = form.querySelector(".buyer");

// The product's name and price, and the method with its provider, as the chosen buttons have them.
function showSum() {
  const [product, method, provider] = ["productId", "payMethod", "easyPayProvider"]
    .map((name) => form.querySelector(`[name=${name}]:checked`));
  if (!product) return;
  document.getElementById("pay").textContent = product.dataset.pay;
  const [name, price] = product.nextElementSibling.querySelectorAll(".name, b");
  const by = document.createElement("span");
  by.className = "by";
  const shown = [method, method?.value === "EASY_PAY" && provider].filter(Boolean);
  by.textContent = shown.map((each) => each.nextElementSibling.textContent.trim()).join(" · ");
  sum.replaceChildren(name.cloneNode(true), " ", by, " ", price.cloneNode(true));
}

form.addEventListener("input", showSum);
showSum(); // the browser may have restored what was chosen before

// Whatever takes the focus opens the fields: a tap on the button, the Tab key, a mistake that the shop found.
buyer.addEventListener("focusin", (event) => {
  if (!event.target.matches("input") || !buyer.classList.contains("folded")) return;
  buyer.classList.remove("folded");
  event.target.scrollIntoView({ block: "nearest" });
});
buyer.querySelector(".brief button").addEventListener("click", () => buyer.querySelector("input").focus());
// A browser's own filling changes the fields without the focus.
buyer.addEventListener("input", () => {
  const values = [...buyer.querySelectorAll("input")].map((each) => each.value);
  buyer.querySelector(".brief span").textContent = values.join(" · ");
});
