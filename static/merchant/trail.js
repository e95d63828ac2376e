// On the result page: puts the browser's messages between the server's steps, under the heading of their group and
// with a link to their code, and folds what is repeated.

import { add, list, messages, show, start } from "./panel.js";

const headings = document.getElementById("groups").content.children;

mergeWithTrail();
arrange();
fold();
document.addEventListener("checkout:message", arrange); // panel.js, which was first, has drawn it

// Both are in order already. A request was sent before what the shop did in the same millisecond, an answer after it.
function mergeWithTrail() {
  removeHeadings();
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

// A heading wherever another group begins; the reason is given the first time. And the links.
function arrange() {
  removeHeadings();
  let current = 0;
  let asked = 1; // the group of the request that the shop answers next
  const seen = new Set();
  for (const step of [...list.children]) {
    const what = step.querySelector("p code")?.textContent ?? "";
    let number = Number(step.dataset.group);
    let sender = "openWindow"; // of the functions in checkout.js
    if (!number && /portone/.test(step.className)) number = 2;
    else if (!number) {
      if (step.classList.contains("to-shop")) number = asked = what.endsWith("/complete") ? 3 : 1;
      else number = asked === 3 && what[0] === "2" ? 4 : asked;
      sender = asked === 1 ? "createPayment" : "complete";
    }
    if (!step.dataset.event && !step.matches(".to-pg")) link(step, sender);
    if (number === current) continue;
    current = number;
    const heading = headings[number - 1].cloneNode(true);
    if (seen.has(number)) heading.querySelector("p").remove();
    seen.add(number);
    step.before(heading);
  }
}

function link(step, name) {
  const small = step.querySelector("small");
  if (small.querySelector("a")) return;
  small.append(" · ");
  const a = add(small, "a");
  a.href = `${list.dataset.code}?function=${name}#marked`;
  add(a, "code", `checkout.js · ${name}`);
}

function removeHeadings() {
  list.querySelectorAll(".group").forEach((each) => each.remove());
}

// A look-up that is repeated with the same result (one step, or a request and its answer) is shown once.
function fold() {
  const steps = [...list.children].filter((each) => !each.matches(".group"));
  const names = steps.map(nameOf);
  for (let i = 0; i < steps.length;) {
    const lengths = steps[i].matches(".from-browser.to-shop") ? [1, 2] : [1]; // a pair begins with its request
    const length = lengths.find((n) => timesFrom(names, i, n) > 1) ?? 1;
    const times = timesFrom(names, i, length);
    if (times > 1) hide(steps.slice(i + length, i + length * times), steps[i + length - 1], times);
    i += length * times;
  }
}

// How often `length` names from i on are there one after another.
function timesFrom(names, i, length) {
  const wanted = names.slice(i, i + length).join();
  let times = 1;
  while (names.slice(i + length * times, i + length * (times + 1)).join() === wanted) times += 1;
  return times;
}

function nameOf(step) {
  const texts = [...step.querySelectorAll(":scope > p, :scope > small > code, td")].map((each) => each.textContent);
  return [step.className, step.dataset.paymentId, ...texts].join(" ");
}

function hide(steps, before, times) {
  const details = add(before, "details");
  details.className = "repeats";
  add(details, "summary", list.dataset.repeats.replace("%s", times));
  const set = () => steps.forEach((each) => { each.hidden = !details.open; });
  details.addEventListener("toggle", set);
  set();
}
