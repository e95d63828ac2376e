// window.PortOne of the sandbox: the same call, the same answers and the same errors as PortOne's own SDK.
(() => {
  "use strict";

  const base = new URL("..", document.currentScript.src); // this file is <base>v2/browser-sdk.js
  const CLOSED_CHECK_MS = 300;

  async function requestPayment(request) {
    if (request === null || typeof request !== "object") {
      throw paymentError({ code: "BadRequest", message: "The request must be an object." });
    }
    const windowType = chooseWindowType(request);
    // Browsers let a click open a popup, but not an answer from the network: so open it first, and empty.
    const popup = windowType === "POPUP" ? openPopup(request) : null;
    let checkout;
    try {
      checkout = await openCheckout(request, windowType);
    } catch (error) {
      popup?.close();
      throw error;
    }
    if (windowType === "REDIRECTION") {
      window.location.assign(checkout.url);
      return undefined;
    }
    const answer = popup ? await inPopup(checkout, popup) : await inIframe(checkout);
    if (request.forceRedirect && answer.redirectUrl) {
      window.location.assign(answer.redirectUrl);
      return undefined;
    }
    return answer.result;
  }

  // What the merchant asked for this kind of device, else what most PGs do there.
  function chooseWindowType(request) {
    const isPhone = /Mobi|Android|iPhone|iPod/.test(navigator.userAgent);
    const asked = request.windowType?.[isPhone ? "mobile" : "pc"];
    return asked ?? (isPhone ? "REDIRECTION" : "IFRAME");
  }

  // Posts the request; the sandbox checks it, and what it refuses is thrown here.
  async function openCheckout(request, windowType) {
    const body = { request, windowType, page: window.location.href };
    let response, answer;
    try {
      response = await fetch(new URL("checkout/", base), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      answer = await response.json();
    } catch (error) {
      throw paymentError({ code: "Unavailable", message: `The sandbox could not be reached: ${error.message}`, request });
    }
    if (!response.ok) throw paymentError({ ...answer, request });
    return { txId: answer.txId, paymentId: request.paymentId, url: new URL(answer.url, base).href };
  }

  function openPopup(request) {
    const width = 480;
    const height = 760;
    const left = Math.max(0, window.screenX + (window.outerWidth - width) / 2);
    const top = Math.max(0, window.screenY + (window.outerHeight - height) / 2);
    const popup = window.open("", "_blank", `popup,width=${width},height=${height},left=${left},top=${top}`);
    if (!popup) {
      const message = "The browser blocked the payment popup. Allow popups for this site and try again.";
      throw paymentError({ code: "Aborted", message, request });
    }
    return popup;
  }

  function inPopup(checkout, popup) {
    popup.location.replace(checkout.url);
    return waitForAnswer(checkout, () => popup, {
      isGone: () => popup.closed,
      remove: () => popup.close(),
    });
  }

  // A modal <dialog>, which keeps the focus in the window and gives it back to the merchant's page afterwards.
  function inIframe(checkout) {
    const dialog = document.createElement("dialog");
    Object.assign(dialog.style, {
      position: "fixed", inset: "0", width: "100%", height: "100%", maxWidth: "none", maxHeight: "none",
      margin: "0", padding: "0", border: "0", background: "rgb(0 0 0 / 55%)", overflow: "hidden",
    });
    const iframe = document.createElement("iframe");
    iframe.title = "PortOne";
    iframe.src = checkout.url;
    Object.assign(iframe.style, {
      position: "absolute", inset: "0", margin: "auto", width: "min(480px, 100%)", height: "min(760px, 100%)",
      border: "0", borderRadius: window.innerWidth > 480 ? "16px" : "0", background: "Canvas",
    });
    dialog.append(iframe);
    document.body.append(dialog);
    dialog.showModal();
    iframe.focus();
    const answer = waitForAnswer(checkout, () => iframe.contentWindow, {
      isGone: () => !iframe.isConnected,
      remove: () => dialog.remove(),
      onCancel: (close) => dialog.addEventListener("cancel", close),
    });
    return answer;
  }

  // The window's own word, or, when the buyer has closed it, what the sandbox says became of the payment.
  function waitForAnswer(checkout, source, { isGone, remove, onCancel }) {
    return new Promise((resolve) => {
      const finish = (answer) => {
        clearInterval(timer);
        window.removeEventListener("message", receive);
        remove();
        resolve(answer);
      };
      let closing = false;
      const close = async (event) => {
        event?.preventDefault(); // the dialog stays until the sandbox has answered
        if (closing) return;
        closing = true;
        finish(await closeCheckout(checkout));
      };
      const receive = (event) => {
        if (event.origin !== base.origin || event.source !== source()) return;
        if (event.data?.txId !== checkout.txId) return;
        if (event.data.closed) close();
        else if (!closing) finish(event.data);
      };
      const timer = setInterval(() => isGone() && close(), CLOSED_CHECK_MS);
      window.addEventListener("message", receive);
      onCancel?.(close);
    });
  }

  async function closeCheckout(checkout) {
    try {
      const response = await fetch(`${checkout.url}/close`, { method: "POST" });
      return await response.json();
    } catch {
      const message = "The payment window was closed.";
      const { txId, paymentId } = checkout;
      return { txId, result: { transactionType: "PAYMENT", txId, paymentId, code: "FAILURE_TYPE_PG", message } };
    }
  }

  // npm's isPaymentError looks at __portOneErrorType.
  function paymentError({ code, message, request }) {
    return Object.assign(new Error(message), {
      __portOneErrorType: "PaymentError",
      transactionType: "PAYMENT",
      code,
      paymentId: request?.paymentId,
    });
  }

  function notInThisSandbox(name) {
    return async () => {
      throw Object.assign(new Error(`${name} is not in this sandbox.`), {
        __portOneErrorType: "ModuleError",
        code: "Unimplemented",
      });
    };
  }

  const others = [
    "requestIdentityVerification", "requestIssueBillingKey", "requestIssueBillingKeyAndPay", "loadPaymentUI",
    "loadIssueBillingKeyUI", "updateLoadPaymentUIRequest", "updateLoadIssueBillingKeyUIRequest",
  ];
  window.PortOne = { requestPayment, ...Object.fromEntries(others.map((name) => [name, notInThisSandbox(name)])) };
})();
