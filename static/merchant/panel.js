// Draws the messages that checkout.js tells of while they are sent, and on the result page puts them between the
// server's steps. They stay in this tab: nothing of them is sent anywhere.

const KEY = "checkout:messages"; // in sessionStorage: [[orderId, messages], …], the newest last
const ORDERS = 3;
const MESSAGES = 30; // of one order

const list = document.getElementById("trail");
let orderId = document.querySelector("[data-order-id]")?.dataset.orderId; // an order page has none yet
let messages = stored().find(([id]) => id === orderId)?.[1] ?? [];
let paymentWindow = null; // the step that stands for it

document.addEventListener("checkout:message", ({ detail }) => {
  messages.push(detail);
  const named = detail.data?.orderId;
  if (orderId && named && named !== orderId) { // another basket: its request and this answer begin anew
    messages = messages.slice(-2);
    list.replaceChildren(list.lastElementChild);
  }
  orderId = named ?? orderId;
  if (detail.to !== "shop") store(); // a request may be for an order that has no name yet
  show(detail);
});

mergeWithTrail();

function show(message) {
  draw(message);
  if (message.to === "portone") {
    paymentWindow = draw({ from: "portone", to: "pg", at: message.at });
  } else if (message.from === "portone" && paymentWindow) {
    if (message.what === "rejected") paymentWindow.remove(); // it never opened
    else if (!message.data) list.append(paymentWindow); // a redirect: it opens now
    else paymentWindow.querySelector("small").append(` · ${((message.at - start(paymentWindow)) / 1000).toFixed(1)} s`);
  }
}

function draw({ from, to, what, data, at }) {
  const step = add(list, "li");
  step.className = `from-${from} to-${to}`;
  const title = add(step, "p");
  add(title, "b", list.getAttribute(`data-${from}-${to}`));
  if (what) title.append(" ", add(title, "code", what));
  const time = add(add(step, "small"), "time", new Date(at + 9 * 3_600_000).toISOString().slice(11, 23)); // in Korea
  time.dateTime = new Date(at).toISOString();
  if (data) {
    const details = add(step, "details");
    add(details, "summary", "JSON");
    add(details, "pre", JSON.stringify(data, null, 2));
  }
  return step;
}

function add(parent, tag, text = "") {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  return element;
}

// Both are in order already. A request was sent before what the shop did in the same millisecond, an answer after it.
function mergeWithTrail() {
  const trail = [...list.children];
  const shift = clockShift();
  for (const message of messages) show({ ...message, at: message.at + shift });
  let i = 0;
  for (const step of [...list.children].slice(trail.length)) {
    const isRequest = step.classList.contains("to-shop");
    while (i < trail.length && (isRequest ? start(trail[i]) < start(step) : start(trail[i]) <= start(step))) i += 1;
    list.insertBefore(step, trail[i] ?? null);
  }
}

// What to add to this device's clock: the server opened an attempt after it was asked to, and before it answered.
function clockShift() {
  for (const [i, { at, data }] of messages.entries()) {
    const opened = list.querySelector(`[data-event=ATTEMPT_OPENED][data-payment-id="${data?.request && data.paymentId}"]`);
    if (!opened || i === 0) continue;
    const asked = messages[i - 1].at;
    return start(opened) < asked || start(opened) > at ? start(opened) - (asked + at) / 2 : 0;
  }
  return 0;
}

function start(step) {
  return Date.parse(step.querySelector("time").dateTime);
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function store() {
  if (!orderId) return;
  const others = stored().filter(([id]) => id !== orderId);
  const orders = [...others, [orderId, messages.slice(-MESSAGES)]].slice(-ORDERS);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(orders));
  } catch { /* storage is off or full: the result page then shows the server's steps alone */ }
}
