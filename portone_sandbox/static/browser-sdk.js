// window.PortOne of the sandbox: the same function, the same results and the same errors as PortOne's own SDK.
(() => {
  "use strict";

  const base = new URL("..", document.currentScript.src); // this file is <base>v2/browser-sdk.js
  const CLOSED_CHECK_MS = 300;
  // {channelKey: {pc, mobile}}, filled in by the sandbox: the forms of window that the channel's PG has.
  const WINDOW_TYPES = {};

  let isOpen = false; // one window at a time, so that a double click does not open two

  async function requestPayment(request) {
    if (isOpen) {
      throw paymentError({ code: "FailedPrecondition", message: "A payment window is open already.", request });
    }
    isOpen = true;
    try {
      return await pay(request);
    } finally {
      isOpen = false;
    }
  }

  async function pay(request) {
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
    const answer = popup ? await inPopup(checkout, popup) : await inIframe(checkout, request);
    if (request.forceRedirect && answer.redirectUrl) {
      window.location.assign(answer.redirectUrl);
      return undefined;
    }
    return answer.result;
  }

  // What the merchant's request says for this kind of device, else what the channel's PG does there, or most PGs do.
  function chooseWindowType(request) {
    const isPhone = /Mobi|Android/.test(navigator.userAgent);
    const device = isPhone ? "mobile" : "pc";
    const usual = WINDOW_TYPES[request?.channelKey]?.[device] ?? (isPhone ? "REDIRECTION" : "IFRAME");
    return request?.windowType?.[device] ?? usual;
  }

  // Posts the request. The sandbox checks it, and its refusal is thrown here.
  async function openCheckout(request, windowType) {
    let response, answer;
    try {
      response = await fetch(new URL("checkout/", base), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ request, windowType, page: window.location.href }),
      });
      answer = await response.json();
    } catch (error) {
      throw paymentError({ message: `The payment window could not be opened: ${error.message}`, request });
    }
    if (!response.ok) throw paymentError({ ...answer, request });
    return { txId: answer.txId, paymentId: request.paymentId, url: new URL(answer.url, base).href };
  }

  function openPopup(request) {
    const width = 480;
    const height = 800;
    let features = `popup,width=${width},height=${height}`;
    if (request?.popup?.center) {
      const left = window.screenX + (window.outerWidth - width) / 2;
      const top = window.screenY + (window.outerHeight - height) / 2;
      features += `,left=${Math.max(0, left)},top=${Math.max(0, top)}`;
    }
    const popup = window.open("", "_blank", features);
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

  // A modal <dialog>: the focus stays in the window, and goes back to the merchant's page afterwards.
  function inIframe(checkout, { iframe: options }) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "PortOne");
    setStyle(dialog, {
      display: "block", position: "fixed", inset: "0", width: "100%", height: "100%", overflow: "hidden",
      background: options?.dim === false ? "transparent" : "rgb(0 0 0 / 55%)",
    });
    const iframe = document.createElement("iframe");
    iframe.title = "PortOne";
    iframe.src = checkout.url;
    const isNarrow = window.innerWidth <= 480;
    setStyle(iframe, {
      position: "absolute", inset: "0", margin: "auto", background: "Canvas", "color-scheme": "light dark",
      width: "min(480px, 100%)", height: isNarrow ? "100%" : "min(800px, 100%)",
      "border-radius": isNarrow ? "0" : "16px",
    });
    dialog.append(iframe);
    document.body.append(dialog);
    dialog.showModal();
    iframe.focus();
    return waitForAnswer(checkout, () => iframe.contentWindow, {
      isGone: () => !iframe.isConnected,
      remove: () => {
        dialog.close(); // which gives the focus back; remove() alone does not
        dialog.remove();
      },
      onClose: (close) => {
        dialog.addEventListener("close", close); // Escape, or Back on Android
        dialog.addEventListener("click", (event) => {
          // The backdrop, but not with the second click of a double click on the merchant's button.
          if (event.target === dialog && event.detail < 2) close();
        });
      },
    });
  }

  // A dialog's own backdrop has no inline style.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("dialog[aria-label=PortOne]::backdrop { display: none !important; }");
  document.adoptedStyleSheets.push(sheet);

  // Inline and important: no rule of the merchant's stylesheets is stronger.
  function setStyle(element, style) {
    for (const [name, value] of Object.entries({ all: "initial", ...style })) {
      element.style.setProperty(name, value, "important");
    }
  }

  // Resolves to the result that the window posts or, when the buyer has closed it, that the sandbox answers.
  function waitForAnswer(checkout, source, { isGone, remove, onClose }) {
    return new Promise((resolve) => {
      let isOver = false;
      const finish = (answer) => {
        isOver = true;
        clearInterval(timer);
        window.removeEventListener("message", receive);
        remove();
        resolve(answer);
      };
      const close = async () => {
        if (isOver) return;
        isOver = true;
        finish(await closeCheckout(checkout));
      };
      const receive = (event) => {
        if (event.origin !== base.origin || event.source !== source()) return;
        if (event.data?.txId !== checkout.txId) return;
        if (event.data.closed) close();
        else if (!isOver) finish(event.data);
      };
      const timer = setInterval(() => isGone() && close(), CLOSED_CHECK_MS);
      window.addEventListener("message", receive);
      onClose?.(close);
    });
  }

  async function closeCheckout(checkout) {
    try {
      const response = await fetch(`${checkout.url}/close`, { method: "POST" });
      if (!response.ok) throw new Error(response.statusText);
      return await response.json();
    } catch {
      const { txId, paymentId } = checkout;
      const message = "The payment window was closed, and what became of the payment is not known.";
      return { result: { transactionType: "PAYMENT", txId, paymentId, code: "UnknownError", message } };
    }
  }

  function paymentError({ code = "UnknownError", message, request }) {
    return portOneError("PaymentError", "PAYMENT", { code, message, paymentId: request?.paymentId });
  }

  // isPaymentError and the other checks of npm's package read __portOneErrorType.
  function portOneError(type, transactionType, { message, ...fields }) {
    return Object.assign(new Error(message), { __portOneErrorType: type, transactionType, ...fields });
  }

  function notInThisSandbox([name, type, transactionType]) {
    const message = `${name} is not in this sandbox.`;
    return [name, async () => { throw portOneError(type, transactionType, { code: "Unimplemented", message }); }];
  }

  const others = [
    ["requestIdentityVerification", "IdentityVerificationError", "IDENTITY_VERIFICATION"],
    ["requestIssueBillingKey", "IssueBillingKeyError", "ISSUE_BILLING_KEY"],
    ["requestIssueBillingKeyAndPay", "IssueBillingKeyAndPayError", "ISSUE_BILLING_KEY_AND_PAY"],
    ["loadPaymentUI", "LoadPaymentUIError", "PAYMENT"],
    ["updateLoadPaymentUIRequest", "LoadPaymentUIError", "PAYMENT"],
    ["loadIssueBillingKeyUI", "LoadIssueBillingKeyUIError", "ISSUE_BILLING_KEY"],
    ["updateLoadIssueBillingKeyUIRequest", "LoadIssueBillingKeyUIError", "ISSUE_BILLING_KEY"],
  ];
  window.PortOne = { requestPayment, ...Object.fromEntries(others.map(notInThisSandbox)) };
})();
