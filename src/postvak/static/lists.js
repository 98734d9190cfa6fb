// Lists: rows that come anew stay where they are, and the folded part of the navigation stays as it was left.

const rows = document.getElementById("rows");
const numbered = () => [...rows.querySelectorAll(".row[data-number]")];
const rowOf = number => numbered().find(row => row.dataset.number === number);
const scroller = () => rows.scrollHeight > rows.clientHeight ? rows : document.scrollingElement; // a phone scrolls the page

// ---- as many rows as are there, also those that were fetched by "Show more tickets" -----------------
document.addEventListener("htmx:configRequest", event => {
  if (event.detail.elt === rows) event.detail.parameters.rows = String(numbered().length);
});

// ---- the row on top stays on top, and whoever stood on a row with the keyboard stands there again ---------
let kept = null;
document.addEventListener("htmx:beforeSwap", event => {
  if (event.detail.target !== rows) return;
  const top = scroller() === rows ? rows.getBoundingClientRect().top : 0;
  const first = numbered().find(row => row.getBoundingClientRect().bottom > top);
  const focused = document.activeElement?.closest("#rows .row");
  kept = {
    isAtTop: scroller().scrollTop < 4,
    number: first?.dataset.number,
    at: first?.getBoundingClientRect().top,
    focused: focused?.dataset.number,
    part: document.activeElement?.matches(".tick") ? ".tick" : ".subj",
  };
});
document.addEventListener("htmx:afterSwap", event => {
  if (event.detail.target !== rows || !kept) return;
  const first = kept.number && rowOf(kept.number);
  if (first && !kept.isAtTop) scroller().scrollTop += first.getBoundingClientRect().top - kept.at;
  if (kept.focused) rowOf(kept.focused)?.querySelector(kept.part)?.focus({ preventScroll: true });
  kept = null;
});

// ---- navigation: "More" ------------------------------------------------------------
document.addEventListener("toggle", event => {
  if (!event.target.matches?.("[data-more]")) return;
  document.cookie = `postvak_more=${event.target.open ? 1 : 0}; path=/; max-age=31536000; samesite=lax`;
}, true);
document.addEventListener("htmx:beforeRequest", event => { // nothing moves under the keyboard
  const lists = event.detail.elt;
  if (lists.matches(".nav-lists") && lists.contains(document.activeElement) && document.activeElement.matches(":focus-visible")) event.preventDefault();
});
