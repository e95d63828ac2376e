// The result page: looks again while a payment is open, counts down to a deposit's deadline, copies numbers.

const slip = document.querySelector(".slip");
const watch = document.getElementById("watch");
const left = document.getElementById("left");
// [until how many ms after the start, pause in ms]. The server asks PortOne at most once in 3 s, whoever looks.
const PAUSES = [[60_000, 4_000], [600_000, 20_000], [3_600_000, 60_000]];
const CHANGED = "stateChanged"; // in sessionStorage

const looking = watch?.textContent;
let started = Date.now();
let timer = null;

// Returns what a page shows of the order's state.
function state(element) {
  const { orderStatus, kind, unknown } = element.dataset;
  return JSON.stringify([orderStatus, kind, unknown]);
}

// Another payment window is open, or about to be: checkout.js.
function isPaying() {
  return document.getElementById("retry")?.getAttribute("aria-disabled") === "true";
}

// Fetches this page, and reloads it only if the order's state has changed: nobody is disturbed while reading.
async function look() {
  clearTimeout(timer);
  if (!document.hidden && !isPaying()) {
    const text = await fetch(location.href).then((answer) => (answer.ok ? answer.text() : "")).catch(() => "");
    const now = new DOMParser().parseFromString(text, "text/html").querySelector(".slip");
    if (now && !isPaying() && state(now) !== state(slip)) {
      watch.textContent = watch.dataset.changed;
      remember();
      location.reload();
      return;
    }
  }
  plan();
}

// Plans the next look. After an hour without a visitor there is none.
function plan() {
  clearTimeout(timer);
  const pause = PAUSES.find(([until]) => Date.now() - started < until)?.[1];
  if (pause) timer = setTimeout(look, pause);
  else watch.textContent = watch.dataset.stopped;
}

// The visitor returns from another tab or a bank's app: look at once, and start the pauses again.
function comeBack() {
  if (document.hidden) return;
  started = Date.now();
  watch.textContent = looking;
  look();
}

if (watch) {
  plan();
  document.addEventListener("visibilitychange", comeBack);
}

function remember() {
  try {
    sessionStorage.setItem(CHANGED, "1");
  } catch { /* storage is off: the new state is shown, but not read out */ }
}

try {
  if (sessionStorage.getItem(CHANGED)) document.querySelector("h1").focus(); // read out what has changed
  sessionStorage.removeItem(CHANGED);
} catch { /* storage is off */ }

// The server says how many seconds are left, so a wrong clock on this device does no harm.
if (left) {
  const end = Date.now() + left.dataset.seconds * 1000;
  const count = () => {
    const minutes = Math.max(0, Math.floor((end - Date.now()) / 60_000));
    const hours = Math.floor(minutes / 60);
    const text = hours
      ? left.dataset.hours.replace("%s", hours).replace("%s", minutes % 60)
      : left.dataset.minutes.replace("%s", minutes);
    if (left.textContent !== text) left.textContent = text;
    const soon = document.getElementById("soon");
    if (!hours && !soon.textContent.trim()) soon.textContent = soon.dataset.text;
    if (Date.now() >= end) {
      clearInterval(ticking);
      if (watch) comeBack();
    }
  };
  const ticking = setInterval(count, 10_000);
}

// Browsers let a page copy only over HTTPS or on this machine; elsewhere a tap selects the whole number.
if (navigator.clipboard) {
  const buttons = [...document.querySelectorAll(".copy")].map((button) => [button, button.textContent]);
  for (const [button] of buttons) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const parts = [...document.querySelectorAll(button.dataset.of)].map((each) => each.textContent.trim());
      try {
        await navigator.clipboard.writeText(parts.join(" "));
      } catch {
        getSelection().selectAllChildren(document.querySelector(button.dataset.of));
        return;
      }
      for (const [other, text] of buttons) other.textContent = other === button ? button.dataset.done : text;
    });
  }
}
