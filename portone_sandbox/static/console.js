// Refreshes the parts marked data-live, except while somebody types or selects text in them.
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
      const focused = part.contains(document.activeElement) && document.activeElement.closest("details")?.id;
      const open = [...part.querySelectorAll("details[open]")].map((each) => each.id);
      part.dataset.shown = now.innerHTML;
      part.innerHTML = now.innerHTML;
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.querySelector("summary").focus();
    }
    const main = fresh.querySelector("main");
    const status = main.dataset.paymentStatus;
    const here = document.querySelector("main").dataset;
    if (status === here.paymentStatus) return;
    here.paymentStatus = status;
    document.querySelector("[role=status].unseen").textContent = status; // read aloud by screen readers
  }

  function isInUse(part) {
    const typed = [...part.querySelectorAll("input:not([type=hidden])")].some((input) => input.value !== input.defaultValue);
    return typed || document.activeElement.matches("[data-live] :is(input, button, a, pre)") || !window.getSelection().isCollapsed;
  }

  const again = () => setTimeout(() => refresh().catch(() => {}).finally(again), EVERY_MS);
  again();
})();
