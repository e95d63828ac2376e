// On the order page: loads panel.js at the first touch, so that it is no weight of the first page.

const early = []; // messages from before it is there
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
