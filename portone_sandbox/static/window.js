// Tells the SDK in the merchant's page how the payment ended, or that the buyer pressed Escape.
(() => {
  "use strict";

  // A button that was pressed shows that it is being answered; Back brings the page as it was before.
  const press = (button, isBusy) => button?.setAttribute("aria-busy", isBusy);
  document.addEventListener("submit", ({ submitter }) => press(submitter, true));
  window.addEventListener("pageshow", () => press(document.querySelector("[aria-busy=true]"), false));

  const { txId, origin, message, escape } = document.body.dataset;
  const merchant = window.opener ?? (window.parent === window ? null : window.parent);
  if (!merchant) return;

  if (message) {
    merchant.postMessage(JSON.parse(message), origin);
    if (window.opener) window.close();
  }
  if (escape === "IFRAME") {
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") merchant.postMessage({ txId, closed: true }, origin);
    });
  }
})();
