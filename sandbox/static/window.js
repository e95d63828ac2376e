// Tells the SDK in the merchant's page how the payment ended, or that the buyer pressed Escape.
(() => {
  "use strict";

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
