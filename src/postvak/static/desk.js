// The desk: frames as high as their mail, tabs of the composer, names of chosen files.

// What comes by htmx later is looked at as what is here at once: `arrive` is called for both.
const arrive = [];
const whenHere = act => { arrive.push(act); act(document); };
document.addEventListener("htmx:load", event => {
  const root = event.detail.elt.parentElement ?? document;
  arrive.forEach(act => act(root));
});

// ---- the newest message is what one wants to see, also when mails above it grow while they load ------
const conversation = document.getElementById("conversation");
let untouched = !location.hash && conversation && !conversation.hasAttribute("data-newest-first");
for (const touch of ["wheel", "touchmove", "pointerdown", "keydown"]) {
  addEventListener(touch, () => { untouched = false; }, { once: true, passive: true });
}
function showNewest() {
  const last = untouched && [...conversation.querySelectorAll(":scope > .msg")].slice(1).at(-1);
  if (!last) return;
  if (conversation.scrollHeight > conversation.clientHeight) conversation.scrollTop += last.getBoundingClientRect().top - conversation.getBoundingClientRect().top - 12;
  else last.scrollIntoView({ block: "start" }); // on a phone the page itself scrolls
}

// ---- mail frames: no scripts run inside (sandbox), so the page measures them ----------
function fit(frame) {
  const inside = frame.contentDocument?.documentElement;
  if (!inside?.scrollHeight) return;
  inside.style.overflowY = "hidden"; // one scrollbar is enough
  const bar = frame.clientHeight - inside.clientHeight; // of a table that is too wide
  frame.style.blockSize = `${Math.max(48, (frame.contentDocument.body?.offsetHeight ?? 0) + Math.max(0, bar))}px`;
}
const watched = new WeakSet();
function watch(frame) {
  if (watched.has(frame)) return;
  watched.add(frame);
  const start = () => {
    const body = frame.contentDocument?.body;
    if (!body || frame.contentDocument.URL === "about:blank") return;
    takeBar(frame);
    fit(frame);
    new ResizeObserver(() => fit(frame)).observe(body);
    showNewest();
  };
  frame.addEventListener("load", start);
  if (frame.contentDocument?.readyState === "complete") start();
}
whenHere(root => root.querySelectorAll("iframe.mail-frame").forEach(watch));
showNewest();
if (conversation) new ResizeObserver(showNewest).observe(conversation); // grows smaller when the composer becomes an editor

// ---- pictures of other servers: what the frame says of them stands in the card ---------
function takeBar(frame) {
  const said = frame.contentDocument.querySelector(".postvak-remote"), bar = frame.parentElement.querySelector("[data-remote]");
  if (!bar) return;
  bar.hidden = !said;
  if (!said) return;
  bar.dataset.state = said.dataset.state;
  bar.querySelector("[data-said]").textContent = said.firstElementChild.textContent.trim();
  bar.querySelector("[data-ways]").hidden = !said.querySelector("a");
  for (const way of bar.querySelectorAll("[data-remote-form]")) way.hidden = !said.querySelector("[data-always]");
  said.hidden = true;
}
document.addEventListener("htmx:afterRequest", event => {
  if (!event.detail.successful || !event.target.closest?.("[data-remote-form]")) return;
  const sender = event.target.closest("[data-sender]")?.dataset.sender;
  for (const card of document.querySelectorAll(".msg")) {
    const frame = card.dataset.sender === sender && card.querySelector("iframe.mail-frame");
    if (frame) frame.src = frame.getAttribute("src"); // asks anew: nothing of it is kept without asking
  }
});

// ---- files: looked at in a dialog ------------------------------------------------------
document.addEventListener("htmx:afterSwap", event => {
  if (event.target.id !== "file-spot") return;
  const dialog = event.target.closest("dialog");
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(".file-view")?.focus();
});

// ---- menus of which a choice changes the page beneath, and parts that are wanted only where they are seen --------
document.addEventListener("click", event => {
  if (event.target.closest?.(".menu[popover] [data-copy]")) event.target.closest(".menu").hidePopover();
});
function want(part) {
  const call = () => part.dispatchEvent(new Event("wanted"));
  if (matchMedia(part.dataset.wanted).matches) call();
  else part.addEventListener("beforetoggle", call, { once: true });
  matchMedia(part.dataset.wanted).addEventListener("change", call, { once: true });
}
addEventListener("DOMContentLoaded", () => { // htmx listens by now
  document.querySelectorAll("[data-wanted]").forEach(want);
  document.querySelectorAll("[popover][hx-get]:popover-open").forEach(menu => window.htmx.trigger(menu, "beforetoggle")); // opened before
});

// ---- older messages: one goes on reading where one was ---------------------------------
document.addEventListener("htmx:beforeSwap", event => {
  if (!event.target.matches?.(".earlier")) return;
  const pane = conversation, end = pane && pane.scrollHeight - pane.scrollTop;
  if (!pane || pane.hasAttribute("data-newest-first") || isSeeking) return;
  untouched = false;
  pane.addEventListener("htmx:afterSettle", () => { pane.scrollTop = pane.scrollHeight - end; }, { once: true });
});

// ---- a link to a message: unfolded, and in sight; older ones are fetched until it is there ---------
let isSeeking = conversation !== null && /^#message-\d+$/.test(location.hash);
function seek() {
  const card = document.getElementById(location.hash.slice(1));
  if (!card) return document.querySelector(".earlier:not(.htmx-request)")?.click();
  conversation.removeEventListener("htmx:afterSettle", seek);
  isSeeking = false;
  card.querySelector("details.letter")?.setAttribute("open", "");
  card.scrollIntoView({ block: "start" });
  card.focus({ preventScroll: true });
}
if (isSeeking) {
  conversation.addEventListener("htmx:afterSettle", seek);
  addEventListener("DOMContentLoaded", seek); // htmx listens by now
}

// ---- composer: answer or note; on a phone it covers the page while open ---------------
let wanted = "";
function compose(kind) {
  const composer = document.getElementById("composer");
  if (!kind) return composer.removeAttribute("data-raised");
  composer.dataset.open = kind;
  composer.dataset.raised = "";
  composer.querySelectorAll("[role=tab]").forEach(tab => tab.setAttribute("aria-selected", tab.dataset.compose === kind));
  const form = composer.querySelector(`#compose-${kind}`);
  if (!form) { wanted = kind; return; } // it isn't here yet
  (form.querySelector(".rich-text") ?? form.querySelector("textarea, input:not([type=hidden])")).focus();
}
document.addEventListener("click", event => {
  const button = event.target.closest?.("[data-compose]");
  if (!button) return;
  event.preventDefault();
  compose(button.dataset.compose);
});
whenHere(() => {
  if (!wanted || !document.getElementById(`compose-${wanted}`)) return;
  const kind = wanted;
  wanted = "";
  setTimeout(() => compose(kind)); // when its editor is there
});
document.addEventListener("keydown", event => {
  if (event.target.role === "tab" && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
    const tabs = [...event.target.parentElement.querySelectorAll("[role=tab]")];
    tabs.at((tabs.indexOf(event.target) + 1) % tabs.length).click();
  }
});
if (document.getElementById("compose-error") || location.hash === "#composer") document.getElementById("composer")?.setAttribute("data-raised", "");

// ---- attachments: say what will go out -------------------------------------------------
document.addEventListener("change", event => {
  const input = event.target;
  if (!input.dataset.files) return;
  const spot = document.getElementById(input.dataset.files); // gone where composer.js lists them
  if (spot) spot.textContent = [...input.files].map(file => file.name).join(", ");
});

document.querySelector(".row[aria-current]")?.scrollIntoView({ block: "nearest" });
