// Draws each message that checkout.js announces, in the place of the grey step that was expected. The messages stay in
// this tab; nothing is sent anywhere. trail.js does the rest on the result page.

const KEY = "checkout:messages"; // in sessionStorage: [[orderId, messages], …], the newest last
const ORDERS = 3;
const MESSAGES = 30; // of one order

export const list = document.getElementById("trail");
let orderId = document.querySelector("[data-order-id]")?.dataset.orderId; // an order page has none yet
export let messages = stored().find(([id]) => id === orderId)?.[1] ?? [];
let paymentWindow = null; // the step that stands for it

export function receive(detail) {
  messages.push(detail);
  const named = detail.data?.orderId;
  if (orderId && named && named !== orderId) { // a new order: only its request and this answer stay
    messages = messages.slice(-2);
    list.replaceChildren(list.lastElementChild);
  }
  orderId = named ?? orderId;
  if (detail.to !== "shop") store(); // a request may be for an order that has no ID yet
  show(detail);
}

export function show(message) {
  const step = draw(message);
  if (message.to === "portone") {
    paymentWindow = draw({ from: "portone", to: "pg", at: message.at });
  } else if (message.from === "portone" && paymentWindow) {
    if (message.what === "rejected") paymentWindow.remove(); // it never opened
    else if (!message.data) list.append(paymentWindow); // a redirect: it opens now
    else paymentWindow.querySelector("small").append(` · ${((message.at - start(paymentWindow)) / 1000).toFixed(1)} s`);
  }
  if (!isAsExpected(message)) list.querySelectorAll(".expected").forEach((each) => each.remove());
  // The expected steps before this one are done, too.
  for (let each = step; each; each = each.previousElementSibling) each.classList.remove("expected");
}

function isAsExpected({ from, to, what, data }) {
  if (from === "shop") return what[0] === "2" && (data.status ?? "PAID") === "PAID";
  return to !== "browser" || (data && what === "resolved");
}

function draw({ from, to, what, data, at }) {
  const step = document.createElement("li");
  const expected = list.querySelector(`.expected.from-${from}.to-${to}`);
  if (expected) expected.replaceWith(step);
  else list.append(step);
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
  } else if (from === "portone" && to === "browser") add(step, "small", list.dataset.left);
  return step;
}

export function add(parent, tag, text = "") {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  return element;
}

export function start(step) {
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
