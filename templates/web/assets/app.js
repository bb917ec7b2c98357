// What the pages gain with JavaScript: live updates, single keys for the office, turning and enlarging
// without a new page. Everything here also works without it, by links and buttons.
"use strict";
(() => {
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));

  // Single keys: an element says which key presses it.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    if (!/^[A-Z1-9]$/.test(key)) return;
    const focus = document.querySelector(`[data-key-focus="${key}"]`);
    if (focus) { event.preventDefault(); focus.focus(); return; }
    const target = document.querySelector(`[data-key="${key}"]`);
    if (target && !target.disabled) { event.preventDefault(); target.click(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && typing(event.target)) event.target.blur();
  });

  document.addEventListener("click", (event) => {
    const print = event.target.closest("[data-print]");
    if (print) { event.preventDefault(); window.print(); return; }
    const turn = event.target.closest("[data-turn]");
    const larger = event.target.closest("[data-larger]");
    if (!turn && !larger) return;
    event.preventDefault();
    for (const viewer of document.querySelectorAll(".viewer")) {
      if (larger) { viewer.classList.toggle("larger"); continue; }
      const now = [0, 90, 180, 270].find((d) => viewer.classList.contains(`turn-${d}`)) || 0;
      viewer.classList.remove(`turn-${now}`);
      viewer.classList.add(`turn-${(now + 90) % 360}`);
    }
  });

  // On a telephone the bar scrolls: the page that is open shall be seen in it.
  const open = document.querySelector(".bar nav [aria-current]");
  if (open) open.parentElement.scrollLeft = open.offsetLeft - open.parentElement.offsetLeft - 24;

  // A form is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 8000);
  });

  // Live: the server names what changed, the page fetches itself and replaces the parts that are shown
  // from data. Nothing is replaced under somebody who is writing; a line says that there is more.
  const live = document.body.dataset.live;
  if (!live || !window.EventSource) return;
  const news = document.getElementById("news");
  const busy = (part) => part.contains(document.activeElement) && typing(document.activeElement)
    || [...part.querySelectorAll("textarea, input[type=file]")].some((f) => f.value && f.value !== f.defaultValue);
  let waiting = 0;
  const refresh = async () => {
    waiting = 0;
    let text;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      text = await answer.text();
    } catch { return; }
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const nav = fresh.querySelector(".bar nav"), old = document.querySelector(".bar nav");
    if (nav && old) old.replaceWith(nav);
    let left = false;
    for (const part of document.querySelectorAll('[id^="live-"]')) {
      const next = fresh.getElementById(part.id);
      if (!next || next.isEqualNode(part)) continue;
      if (busy(part)) { left = true; continue; }
      const open = [...part.querySelectorAll("details")].map((d) => d.open);
      part.replaceWith(next);
      const folds = next.querySelectorAll("details");
      if (folds.length === open.length) folds.forEach((d, i) => { d.open = open[i]; });
    }
    news.hidden = !left;
  };
  const soon = () => { if (!waiting) waiting = setTimeout(refresh, 400); };
  const source = new EventSource("/live");
  source.addEventListener("group", (event) => { if (live === "groups" || live === event.data) soon(); });
  for (const kind of ["triage", "delivery"]) source.addEventListener(kind, () => soon());
  source.addEventListener("reload", soon);
})();
