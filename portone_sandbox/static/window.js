// Sends the result to the SDK in the merchant's page, or that the buyer pressed Escape.
(() => {
  "use strict";

  // A button shows that its answer is awaited. The browser's Back shows the page as it was, so undo it then.
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
