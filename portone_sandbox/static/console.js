// Refreshes the parts marked data-live, except while somebody types or selects text in them, and
// copies the text that a button names.
(() => {
  "use strict";

  const EVERY_MS = 1500;

  let tag = ""; // of the newest page
  let fresh = null; // that page; a part of it may wait until nobody types in the old one

  // The server sends the page only if it is another one than that of the tag.
  async function refresh() {
    if (document.hidden) return;
    const response = await fetch(window.location.href, { headers: tag ? { "If-None-Match": tag } : {} });
    if (response.ok) {
      fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      tag = response.headers.get("ETag") ?? "";
    }
    if (fresh) show(fresh);
  }

  function show(fresh) {
    for (const part of document.querySelectorAll("[data-live]")) {
      const now = fresh.getElementById(part.id);
      if (!now || now.innerHTML === part.dataset.shown || isInUse(part)) continue;
      const active = part.contains(document.activeElement) ? document.activeElement : null;
      const focused = active?.closest("details")?.id;
      const open = [...part.querySelectorAll("details[open]")].map((each) => each.id);
      part.dataset.shown = now.innerHTML;
      part.innerHTML = now.innerHTML;
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (active?.dataset.copy) part.querySelector(`[data-copy="${CSS.escape(active.dataset.copy)}"]`)?.focus();
      else if (focused) document.getElementById(focused)?.querySelector("summary").focus();
    }
    const main = fresh.querySelector("main");
    const status = main.dataset.paymentStatus;
    const here = document.querySelector("main").dataset;
    if (status === here.paymentStatus) return;
    here.paymentStatus = status;
    announce(status);
  }

  function isInUse(part) {
    const typed = [...part.querySelectorAll("input:not([type=hidden])")].some((input) => input.value !== input.defaultValue);
    return typed || document.activeElement.matches("[data-live] :is(input, button:not([data-copy]), a, pre)") || !window.getSelection().isCollapsed;
  }

  // For screen readers.
  const announce = (text) => (document.querySelector("[role=status].unseen").textContent = text);

  // navigator.clipboard is missing on a http address of another machine.
  async function copy(element) {
    if (navigator.clipboard) return navigator.clipboard.writeText(element.textContent);
    window.getSelection().selectAllChildren(element);
    if (!document.execCommand("copy")) throw new Error("The browser does not copy.");
    window.getSelection().removeAllRanges();
  }

  document.documentElement.classList.add("script"); // shows the buttons that copy
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copy]");
    if (!button) return;
    const element = document.getElementById(button.dataset.copy);
    try {
      await copy(element);
    } catch {
      window.getSelection().selectAllChildren(element); // for the keyboard
      return;
    }
    const label = (button.dataset.label ??= button.textContent);
    button.textContent = button.dataset.copied;
    announce(button.dataset.copied);
    setTimeout(() => (button.textContent = label), 1500);
  });

  const again = () => setTimeout(() => refresh().catch(() => {}).finally(again), EVERY_MS);
  if (document.querySelector("[data-live]")) again();
})();
