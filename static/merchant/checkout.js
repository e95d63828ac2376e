// Runs in the browser: creates the order, opens PortOne's payment window, tells the server that it is closed.
// The server decides. Whatever the SDK answers, the server looks the payment up at PortOne.
"use strict";

const texts = document.getElementById("texts").dataset;
const form = document.getElementById("order-form"); // on the order page
const retry = document.getElementById("retry"); // on the result page
const again = document.getElementById("again"); // there: the methods and windows for another attempt
const button = form ? document.getElementById("pay") : retry;
// PaymentError.code of npm's @portone/browser-sdk: which text. Any other is "notOpened".
const NOT_OPENED = {
  BadRequest: "shopSettings", RequestParseFailed: "shopSettings", StoreNotFound: "shopSettings",
  ChannelNotFound: "shopSettings", AllChannelsNotSatisfied: "shopSettings", ConfirmUrlRequired: "shopSettings",
  AmountNotEqualToPredefined: "amountChanged", PaymentAlreadyPaid: "paidAlready", InvalidEntityState: "paidAlready",
};
const PAUSES = [500, 1000, 2000, 4000]; // ms, before asking again about a payment that could not be confirmed

let busy = false;
let kept = null; // {orderUrl, basket}: the order whose window did not open, used again by the next click

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

// A new order, or a new attempt at one that exists. Gives {orderId, paymentId, request, orderUrl}, null if refused.
async function createPayment() {
  say(texts.preparing);
  const wanted = form ? formValues() : Object.fromEntries(new FormData(again));
  const basket = JSON.stringify([wanted.productId, wanted.buyer]);
  if (kept && kept.basket !== basket) kept = null;

  const orderUrl = form ? kept && kept.orderUrl : retry.dataset.order;
  let answer;
  if (form && !kept) answer = await post(form.action, wanted);
  else {
    const { payMethod, easyPayProvider, windowType } = wanted;
    answer = await post(form ? `${orderUrl}/payments` : retry.dataset.payments, { payMethod, easyPayProvider, windowType });
  }

  if (!answer) throw new Error(texts.noShop);
  if (answer.status !== 201) {
    refuse(answer, orderUrl);
    return null;
  }
  const order = { ...answer.body, orderUrl: orderUrl || answer.location };
  kept = { orderUrl: order.orderUrl, basket };
  return order;
}

async function openWindow(order) {
  remember(order.orderUrl);
  say(texts.open, order.orderUrl);

  let answer;
  tell("browser", "portone", "PortOne.requestPayment", order.request);
  try {
    answer = await window.PortOne.requestPayment(order.request);
  } catch (error) { // a bad parameter, no network, a blocked popup: no payment was made
    tell("portone", "browser", "rejected", { code: error.code, message: error.message });
    remember(null);
    notOpened(error, order.orderUrl);
    return;
  }
  tell("portone", "browser", answer ? "resolved" : "undefined", answer);
  if (answer === undefined) return; // the page is leaving for a redirect

  await complete(order, answer);
}

// The SDK's own message is for the developer, in whatever language it comes.
function notOpened(error, orderUrl) {
  console.error(error);
  const name = /pop-?up|팝업/i.test(error.message) ? "popupBlocked" : NOT_OPENED[error.code] || "notOpened";
  stop(texts[name], name === "paidAlready" ? orderUrl : null);
  if (name === "popupBlocked") document.querySelector(".developer").open = true; // another kind of window helps
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
  const said = failure(answer);
  say(texts.confirming, order.orderUrl);
  document.getElementById("message").className = "approving"; // alone on the page until the result

  for (const pause of [...PAUSES, null]) {
    const told = await post(form ? form.dataset.complete : retry.dataset.complete, body);
    const error = told && told.body.error;
    if (told && (told.status === 200 || (error && error.code === "PAYMENT_MISMATCH"))) {
      const settled = ["PAID", "VIRTUAL_ACCOUNT_ISSUED"].includes(told.body.status);
      location.assign(order.orderUrl + (said && !settled ? `?message=${encodeURIComponent(said)}` : ""));
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

// A PG's failure as PortOne formats it: "[code] message". The result page chooses its text by the code.
function failure({ code, message = "", pgCode, pgMessage }) {
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

// POST JSON. Gives {status, location, body}, or null when there was no answer; a body that is not JSON is {}.
async function post(url, data) {
  tell("browser", "shop", `POST ${new URL(url, location.href).pathname}`, data);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(data),
    });
    const body = await response.json().catch(() => ({}));
    tell("shop", "browser", String(response.status), body);
    return { status: response.status, location: response.headers.get("Location"), body };
  } catch (error) {
    tell("browser", "browser", error.message);
    return null;
  }
}

// Announces a message that was sent or received. The panel listens; the flow does not depend on it.
function tell(from, to, what, data) {
  document.dispatchEvent(new CustomEvent("checkout:message", { detail: { from, to, what, data, at: Date.now() } }));
}

// The server would not open a payment: say why, and point at the field or at the order.
function refuse(answer, orderUrl) {
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

// The flow ends here: the message takes the focus, for people who use a screen reader or the keyboard.
function stop(...said) {
  say(...said);
  button.removeAttribute("aria-busy");
  const message = document.getElementById("message");
  message.className = ""; // no longer "approving"
  message.focus();
}

function say(text, url = null, label = texts.orderPage) {
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
  // Not `disabled`, which would lose the focus: the closed payment window gives it back to the button.
  button.setAttribute("aria-disabled", value);
  button.setAttribute("aria-busy", value);
}

// The order whose window was opened last, so that Back and reload lead to its true state and not to a second order.
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

// Back to the order that was left, unless it no longer exists.
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
  if (remembered()) document.querySelector("h1").focus(); // just back from the payment: read out how it ended
  remember(null);
  if (retry) retry.addEventListener("click", pay);
}

// Back to a page that the browser had kept as it was left, with the button still disabled.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (form && remembered()) showRemembered();
  else location.reload();
});
