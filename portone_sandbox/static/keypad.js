// A PIN pad with its digits in another order each time, as Korean card companies and banks have it.
// Typing works as well.
(() => {
  "use strict";

  const pad = document.querySelector(".keypad");
  const field = pad.closest("form").elements.secret;
  const digits = [..."0123456789"];
  for (const key of pad.querySelectorAll("[data-digit]")) {
    key.textContent = digits.splice(Math.random() * digits.length, 1)[0];
  }
  pad.addEventListener("click", ({ target }) => {
    const { digit, erase } = target.dataset;
    if (digit !== undefined && field.value.length < field.maxLength) field.value += target.textContent;
    if (erase) field.value = erase === "all" ? "" : field.value.slice(0, -1);
  });
  field.inputMode = "none"; // a phone needs no second keyboard
  pad.hidden = false;
})();
