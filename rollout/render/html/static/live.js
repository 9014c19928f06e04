// Keeps a page up to date: when the server says that something has changed, the page is fetched again and every
// part marked `data-live` that is not as it was is put in the old one's place. Focus, opened details and the reader's
// place stay. Without this script the page says the same, when it is reloaded.
"use strict";
(() => {
  const state = document.getElementById("live-state");
  const events = document.currentScript.dataset.events;
  let busy = false, again = false;

  const details = (part) => [...part.querySelectorAll("details[open] > summary")].map((one) => one.textContent);

  const replace = (old, fresh) => {
    if (old.outerHTML === fresh.outerHTML) return;
    const open = details(old);
    if (!open.length && old.innerHTML === fresh.innerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const href = focused && focused.getAttribute("href"), id = focused && focused.id;
    const taken = document.importNode(fresh, true);
    for (const one of taken.querySelectorAll("details > summary"))
      if (open.includes(one.textContent)) one.parentElement.open = true;
    if (taken.outerHTML === old.outerHTML) return;
    old.replaceWith(taken);
    if (!focused) return;
    const same = (id && document.getElementById(id)) ||
      [...taken.querySelectorAll("a, summary, [tabindex]")].find((one) =>
        href ? one.getAttribute("href") === href : one.textContent === focused.textContent);
    if (same) same.focus({ preventScroll: true });
  };

  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok && !fresh.querySelector("[data-live]")) throw new Error(answer.status);
      const parts = [...document.querySelectorAll("[data-live]")];
      if (parts.some((one) => !fresh.getElementById(one.id))) { location.reload(); return; }
      for (const old of parts) replace(old, fresh.getElementById(old.id));
      document.title = fresh.title;
    } finally {
      busy = false;
      if (again) { again = false; setTimeout(refresh, 250); }
    }
  };

  const source = new EventSource(events);
  source.addEventListener("open", () => { state.textContent = "live"; });
  source.addEventListener("error", () => { state.textContent = "not live: the dashboard does not answer"; });
  source.addEventListener("changed", () => { refresh().catch(() => {}); });
  addEventListener("pagehide", () => source.close());
})();
