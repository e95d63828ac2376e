// Runs in the browser: creates the order, opens PortOne's payment window, and tells the server when it has closed.
// Only the server decides whether the order is paid. It looks the payment up at PortOne, whatever the SDK answers.
"use strict";

const texts = document.getElementById("texts").dataset;
const form = document.getElementById("order-form"); // on the order page
const retry = document.getElementById("retry"); // on the result page
const again = document.getElementById("again"); // on the result page: the form with the choices for another attempt
const button = form ? document.getElementById("pay") : retry;
// {PaymentError.code of npm's @portone/browser-sdk: the text to show}. Any other code shows "notOpened".
const NOT_OPENED = {
  BadRequest: "shopSettings", RequestParseFailed: "shopSettings", StoreNotFound: "shopSettings",
  ChannelNotFound: "shopSettings", AllChannelsNotSatisfied: "shopSettings", ConfirmUrlRequired: "shopSettings",
  AmountNotEqualToPredefined: "amountChanged", PaymentAlreadyPaid: "paidAlready", InvalidEntityState: "paidAlready",
};
const PAUSES = [500, 1000, 2000, 4000]; // ms, before we ask the server again when it could not reach PortOne

let busy = false;
let lastOrder = null; // {orderUrl, basket}: if its window did not open, the next click opens another attempt at it

async function pay() {
  if (busy) return;
  setBusy(true);
  try {
    if (!window.PortOne) throw new Error(texts.noSdk);
    const order = await createPayment();
    if (order) await openWindow(order);
  } catch (error) {
    stop(error.message);
    setBusy(false);
  }
}

// Creates an order, or another attempt at one. Returns {orderId, paymentId, request, orderUrl}, null if refused.
async function createPayment() {
  showMessage(texts.preparing);
  const wanted = form ? formValues() : Object.fromEntries(new FormData(again));
  const basket = JSON.stringify([wanted.productId, wanted.buyer]);
  if (lastOrder && lastOrder.basket !== basket) lastOrder = null;

  const orderUrl = form ? lastOrder && lastOrder.orderUrl : retry.dataset.order;
  let answer;
  if (form && !lastOrder) answer = await post(form.action, wanted);
  else {
    const { payMethod, easyPayProvider, windowType } = wanted;
    answer = await post(form ? `${orderUrl}/payments` : retry.dataset.payments, { payMethod, easyPayProvider, windowType });
  }

  if (!answer) throw new Error(texts.noShop);
  if (answer.status !== 201) {
    showRefusal(answer, orderUrl);
    return null;
  }
  const order = { ...answer.body, orderUrl: orderUrl || answer.location };
  lastOrder = { orderUrl: order.orderUrl, basket };
  return order;
}

async function openWindow(order) {
  remember(order.orderUrl);
  showMessage(texts.open, order.orderUrl);

  let answer;
  announce("browser", "portone", "PortOne.requestPayment", order.request);
  try {
    answer = await window.PortOne.requestPayment(order.request);
  } catch (error) { // a bad parameter, no network, a blocked popup: no payment was made
    announce("portone", "browser", "rejected", { code: error.code, message: error.message });
    remember(null);
    showNotOpened(error, order.orderUrl);
    return;
  }
  announce("portone", "browser", answer ? "resolved" : "undefined", answer);
  if (answer === undefined) return; // the page is leaving for a redirect

  await complete(order, answer);
}

// Shows the buyer our text, and below it the SDK's own message for the developer.
function showNotOpened(error, orderUrl) {
  console.error(error);
  const name = /pop-?up|팝업/i.test(error.message) ? "popupBlocked" : NOT_OPENED[error.code] || "notOpened";
  stop(texts[name], name === "paidAlready" ? orderUrl : null);
  if (name === "popupBlocked") document.querySelector(".developer").open = true; // the choice of another window type
  const detail = document.createElement("small");
  detail.lang = /[가-힣]/.test(error.message) ? "ko" : "en";
  detail.textContent = [error.code, error.message].filter(Boolean).join(": ");
  document.getElementById("message").append(" ", detail);
  setBusy(false);
}

// Whatever the window answered, the server looks the payment up, and answers with its status.
async function complete(order, answer) {
  const body = { paymentId: order.paymentId, orderId: order.orderId };
  if (answer.paymentToken) body.paymentToken = answer.paymentToken; // 수동 승인: the server approves it
  const message = failureMessage(answer);
  showMessage(texts.confirming, order.orderUrl);
  document.getElementById("message").className = "approving"; // it covers the page until the result

  for (const pause of [...PAUSES, null]) {
    const reply = await post(form ? form.dataset.complete : retry.dataset.complete, body);
    const error = reply && reply.body.error;
    if (reply && (reply.status === 200 || (error && error.code === "PAYMENT_MISMATCH"))) {
      const settled = ["PAID", "VIRTUAL_ACCOUNT_ISSUED"].includes(reply.body.status);
      location.assign(order.orderUrl + (message && !settled ? `?message=${encodeURIComponent(message)}` : ""));
      return;
    }
    if (error && !error.retryable) {
      stop(error.message, order.orderUrl);
      return;
    }
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  stop(texts.stillConfirming, order.orderUrl);
}

// Returns the PG's failure in PortOne's format, "[code] message". The result page chooses its text by the code.
function failureMessage({ code, message = "", pgCode, pgMessage }) {
  if (!code || message.startsWith("[")) return message;
  return `[${pgCode || code}] ${pgMessage || message}`;
}

function formValues() {
  const values = Object.fromEntries(new FormData(form));
  return {
    productId: values.productId,
    payMethod: values.payMethod,
    easyPayProvider: values.easyPayProvider, // undefined where the PG's window offers the choice
    windowType: values.windowType,
    buyer: { name: values.buyerName, email: values.buyerEmail, phone: values.buyerPhone },
  };
}

// Posts JSON. Returns {status, location, body}, or null if there was no answer. A body that is not JSON is {}.
async function post(url, data) {
  announce("browser", "shop", `POST ${new URL(url, location.href).pathname}`, data);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(data),
    });
    const body = await response.json().catch(() => ({}));
    announce("shop", "browser", String(response.status), body);
    return { status: response.status, location: response.headers.get("Location"), body };
  } catch (error) {
    announce("browser", "browser", error.message);
    return null;
  }
}

// Announces a message that was sent or received, for the panel. The payment does not depend on it.
function announce(from, to, what, data) {
  document.dispatchEvent(new CustomEvent("checkout:message", { detail: { from, to, what, data, at: Date.now() } }));
}

// The server refused to open a payment: shows why, and leads to the wrong field or to the order.
function showRefusal(answer, orderUrl) {
  const error = answer.body.error || { message: texts.noShop };
  stop(error.message, answer.status === 409 ? orderUrl : null, form ? texts.orderPage : texts.reload);
  setBusy(false);
  if (!form || !error.field) return;
  const name = error.field.replace(/^buyer\.(.)/, (_, first) => `buyer${first.toUpperCase()}`);
  const field = form.querySelector(`[name="${CSS.escape(name)}"]:checked`)
    || form.querySelector(`[name="${CSS.escape(name)}"]`);
  if (!field) return;
  const mistake = document.getElementById(`${name}-error`);
  if (mistake) {
    mistake.textContent = error.message;
    field.setAttribute("aria-invalid", "true");
  }
  field.focus();
}

// Ends the flow with a message. It takes the focus, for people who use a screen reader or the keyboard.
function stop(text, url = null, label = texts.orderPage) {
  showMessage(text, url, label);
  button.removeAttribute("aria-busy");
  const message = document.getElementById("message");
  message.className = ""; // no longer "approving"
  message.focus();
}

function showMessage(text, url = null, label = texts.orderPage) {
  const message = document.getElementById("message");
  message.textContent = text;
  message.className = "";
  if (!url) return;
  const link = document.createElement("a");
  link.href = url;
  link.textContent = label;
  message.append(" ", link);
}

function setBusy(value) {
  busy = value;
  // We do not set `disabled`: the button would lose the focus, which returns to it when the window closes.
  button.setAttribute("aria-disabled", value);
  button.setAttribute("aria-busy", value);
}

// Stores the order whose window was opened last, so that Back and reload show that order instead of an empty form.
function remember(url) {
  try {
    if (url) sessionStorage.setItem("openOrder", url);
    else sessionStorage.removeItem("openOrder");
  } catch { /* storage is off: only this convenience is lost */ }
}

function remembered() {
  try {
    return sessionStorage.getItem("openOrder");
  } catch {
    return null;
  }
}

// Goes to the order whose window was opened last, unless the order no longer exists.
async function showRemembered() {
  const url = remembered();
  if (!url) return;
  const answer = await fetch(url, { method: "HEAD" }).catch(() => null);
  if (answer && answer.status === 404) remember(null);
  else location.replace(url);
}

if (form) {
  showRemembered();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pay();
  });
  form.addEventListener("input", (event) => {
    event.target.removeAttribute("aria-invalid");
    const mistake = document.getElementById(`${event.target.name}-error`);
    if (mistake) mistake.textContent = "";
  });
} else {
  if (remembered()) document.querySelector("h1").focus(); // just back from the payment: screen readers read the result
  remember(null);
  if (retry) retry.addEventListener("click", pay);
}

// The Back button can show a page from the browser's cache as it was left, with the button still disabled.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (form && remembered()) showRemembered();
  else location.reload();
});
