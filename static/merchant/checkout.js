// The browser's half of an authenticated payment: create the order, open PortOne's window, tell the server.
// The server's word decides; what the SDK answers is only a reason to ask it.
"use strict";

const texts = JSON.parse(document.getElementById("texts").textContent);
const form = document.getElementById("order-form"); // on the order page
const retry = document.getElementById("retry"); // on the result page
const button = form ? document.getElementById("pay") : retry;
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
    say(error.message);
    setBusy(false);
  }
}

// A new order, or a new attempt at one that exists. Gives {orderId, paymentId, request, orderUrl}, null if refused.
async function createPayment() {
  say(texts.preparing);
  const wanted = form ? formValues() : {};
  const basket = JSON.stringify([wanted.productId, wanted.buyer]);
  if (kept && kept.basket !== basket) kept = null;

  const orderUrl = form ? kept && kept.orderUrl : retry.dataset.order;
  let answer;
  if (!form) answer = await post(retry.dataset.payments, {});
  else if (!kept) answer = await post(form.action, wanted);
  else answer = await post(`${orderUrl}/payments`, { payMethod: wanted.payMethod, windowType: wanted.windowType });

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
  try {
    answer = await window.PortOne.requestPayment(order.request);
  } catch (error) { // a bad parameter, no network, a blocked popup: no payment was made
    remember(null);
    throw new Error(`${texts.notOpened} ${error.message}`);
  }
  if (answer === undefined) return; // the page is leaving for a redirect

  await complete(order, answer);
}

// Whatever the window answered, the server asks PortOne and says what is true.
async function complete(order, answer) {
  const body = { paymentId: order.paymentId, orderId: order.orderId };
  if (answer.paymentToken) body.paymentToken = true;
  const said = answer.paymentToken ? texts.manualApproval : answer.message;
  say(answer.paymentToken ? texts.manualApproval : texts.confirming, order.orderUrl);

  for (const pause of [...PAUSES, null]) {
    const told = await post(form ? form.dataset.complete : retry.dataset.complete, body);
    const error = told && told.body.error;
    if (told && (told.status === 200 || (error && error.code === "PAYMENT_MISMATCH"))) {
      const settled = ["PAID", "VIRTUAL_ACCOUNT_ISSUED"].includes(told.body.status);
      location.assign(order.orderUrl + (said && !settled ? `?message=${encodeURIComponent(said)}` : ""));
      return;
    }
    if (error && !error.retryable) {
      say(error.message, order.orderUrl);
      return;
    }
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  say(texts.stillConfirming, order.orderUrl);
}

function formValues() {
  const values = Object.fromEntries(new FormData(form));
  return {
    productId: values.productId,
    payMethod: values.payMethod,
    windowType: values.windowType,
    buyer: { name: values.buyerName, email: values.buyerEmail, phone: values.buyerPhone },
  };
}

// POST JSON. Gives {status, location, body}, or null when there was no answer; a body that is not JSON is {}.
async function post(url, data) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(data),
    });
    const body = await response.json().catch(() => ({}));
    return { status: response.status, location: response.headers.get("Location"), body };
  } catch {
    return null;
  }
}

// The server would not open a payment: say why, and point at the field or at the order.
function refuse(answer, orderUrl) {
  const error = answer.body.error || { message: texts.noShop };
  say(error.message, answer.status === 409 ? orderUrl : null, form ? texts.orderPage : texts.reload);
  setBusy(false);
  if (!form || !error.field) return;
  const name = error.field.replace(/^buyer\.(.)/, (_, first) => `buyer${first.toUpperCase()}`);
  const field = form.querySelector(`[name="${CSS.escape(name)}"]:checked`)
    || form.querySelector(`[name="${CSS.escape(name)}"]`);
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function say(text, url = null, label = texts.orderPage) {
  const message = document.getElementById("message");
  message.textContent = text;
  if (!url) return;
  const link = document.createElement("a");
  link.href = url;
  link.textContent = label;
  message.append(" ", link);
}

function setBusy(value) {
  busy = value;
  button.disabled = value;
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

function showPrice() {
  const chosen = form.querySelector("[name=productId]:checked");
  if (chosen) button.textContent = chosen.dataset.pay;
}

if (form) {
  if (remembered()) location.replace(remembered());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pay();
  });
  form.addEventListener("input", (event) => {
    event.target.removeAttribute("aria-invalid");
    showPrice();
  });
  showPrice();
} else {
  remember(null);
  if (retry) retry.addEventListener("click", pay);
}

// Back to a page that the browser had kept as it was left, with the button still disabled.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (form && remembered()) location.replace(remembered());
  else location.reload();
});
