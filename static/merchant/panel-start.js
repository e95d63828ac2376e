// On the order page: loads panel.js at the first touch or key, so that the page itself loads fast.

const early = []; // messages that came before panel.js was loaded
let receive;

async function load() {
  ({ receive } = await import("./panel.js"));
  early.splice(0).forEach(receive);
}

for (const name of ["pointerdown", "keydown", "focusin"]) addEventListener(name, load, { once: true });

document.addEventListener("checkout:message", ({ detail }) => {
  if (receive) return receive(detail);
  early.push(detail);
  load();
});
