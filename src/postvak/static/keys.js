// Keys: of one letter while nobody writes (an agent can switch them off), Ctrl+K for commands, ? for the overview.
// data-key="s" on a link or button: that key presses it. In lists j, k, o and x; what is ticked goes before what is open.

const script = document.getElementById("keys");
const GO = { m: "mine", u: "unassigned", o: "open", w: "waiting", r: "reminders", e: "escalated", a: "mentioned", p: "progress", c: "closed", s: "spam", t: "trash" };
const BULK = { m: '[value="assign:me"]', s: '[popovertarget="bulk-status"]', q: '[popovertarget="bulk-queue"]', p: '[popovertarget="bulk-priority"]', t: '[popovertarget="bulk-tags"]', e: '.btn[value="status:closed"]' };
const AFTER_G = 1500; // ms
const MENU = 3000; // ms that a menu may take to come

const visible = part => part.checkVisibility();
const writes = target => target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
const busy = target => target instanceof Element && (writes(target) || target.closest("dialog, [popover]"));

// ---- rows ------------------------------------------------------------
const rows = () => [...document.querySelectorAll("#rows [data-number]")].filter(visible); // of a list, or hits of the search
let last = ""; // number of the row that had the focus: a menu or a toast may have it meanwhile
const here = list => list.find(row => row.contains(document.activeElement))
  ?? list.find(row => row.dataset.number === last) ?? list.find(row => row.matches("[aria-current]"));
document.addEventListener("focusin", event => { last = event.target.closest?.("#rows [data-number]")?.dataset.number ?? last; });

function step(by) {
  const list = rows(), at = list.indexOf(here(list));
  const next = at < 0 ? list[by > 0 ? 0 : list.length - 1] : list[at + by];
  if (!next) return;
  next.querySelector(".subj").focus();
  next.scrollIntoView({ block: "nearest" });
}

function tick() {
  const row = here(rows());
  row?.querySelector('input[name="ticket"]')?.click();
  row?.querySelector(".subj").focus();
}

// ---- keys of one letter ------------------------------------------------------------
const ticked = () => document.querySelector('#rows input[name="ticket"]:checked');

async function press(key) {
  if (BULK[key] && ticked()) return bulk(key);
  const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  const button = found.find(visible) ?? found.find(one => !one.closest("[popover]"));
  if (button) button.click();
  else if (BULK[key] && here(rows())) { tick(); bulk(key); }
}

// The bar's menus come with the first tick.
async function bulk(key) {
  const button = await soon(() => document.querySelector(`#bulk ${BULK[key]}`));
  button?.click();
}

function soon(find) {
  return new Promise(resolve => {
    const found = find();
    if (found) return resolve(found);
    const watch = new MutationObserver(() => { const one = find(); if (one) { watch.disconnect(); resolve(one); } });
    watch.observe(document.body, { childList: true, subtree: true });
    setTimeout(() => { watch.disconnect(); resolve(find()); }, MENU);
  });
}

let gone = 0; // when g was pressed
function letter(event) {
  const key = event.key, list = rows();
  if (Date.now() - gone < AFTER_G) {
    gone = 0;
    if (GO[key]) location.assign(`/list/${GO[key]}/`);
    return Boolean(GO[key]);
  }
  if (key === "g") gone = Date.now();
  else if ("jk".includes(key) && list.length) step(key === "j" ? 1 : -1);
  else if (key === "o" && list.length) here(list)?.querySelector(".subj").click();
  else if (key === "x" && list.length) tick();
  else if (key === "?") overview();
  else if (/^[a-z.]$/.test(key)) press(key);
  else return false;
  return true;
}

document.addEventListener("keydown", event => {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    palette();
    return;
  }
  if (event.ctrlKey || event.metaKey || !("on" in script.dataset) || busy(event.target) || document.querySelector("dialog[open]")) return;
  if (letter(event)) event.preventDefault();
});

// A menu whose choices come when it is opened gets the focus then, too.
document.addEventListener("htmx:load", event => {
  const menu = event.detail.elt.closest?.(".menu:popover-open");
  if (menu && (!document.activeElement || document.activeElement === document.body || menu.contains(document.activeElement) || !document.activeElement.isConnected)) {
    menu.querySelector("[aria-current], a, button, input:not([type=hidden])")?.focus({ preventScroll: true });
  }
});

// ---- dialogs ------------------------------------------------------------
async function dialog(name, address) {
  let box = document.getElementById(`${name}-box`);
  if (!box) {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return null;
    box = Object.assign(document.createElement("dialog"), { className: `dialog ${name}`, id: `${name}-box` });
    box.innerHTML = await answer.text(); // our own server's escaped page; scripts in it would not run
    document.body.append(box);
  }
  if (!box.open) box.showModal();
  return box;
}

async function overview() {
  const box = await dialog("keys", script.dataset.keys);
  box?.setAttribute("aria-labelledby", "keys-title");
}

async function palette() {
  if (document.querySelector("dialog[open]")) return;
  const box = await dialog("palette", script.dataset.palette);
  if (!box) return;
  box.palette ??= new Palette(box);
  box.palette.start();
}

// ---- the palette ------------------------------------------------------------
const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const OFFERED = '.ticket-head [data-key], .ticket-head .menu :is(a, button), .composer .tabs :is(a, button), .bulk[data-open] button';

class Palette {
  constructor(box) {
    this.input = box.querySelector("input");
    this.list = box.querySelector("ul");
    this.box = box;
    this.fixed = [...this.list.children];
    this.input.addEventListener("input", () => this.show());
    this.input.addEventListener("keydown", event => this.key(event));
    this.list.addEventListener("pointermove", event => this.choose(event.target.closest("[role=option]") ?? this.chosen));
    this.list.addEventListener("click", event => this.take(event.target.closest("[role=option]")));
  }

  start() {
    this.input.value = "";
    this.offered = this.fromPage();
    this.show();
    this.input.focus();
  }

  // What the page itself offers, in its own words.
  fromPage() {
    const seen = new Set();
    return [...document.querySelectorAll(OFFERED)].flatMap(part => {
      const words = (part.textContent.trim() || part.title).replace(/\s+/g, " ").slice(0, 80);
      const label = part.matches(".prop") ? `${part.title.replace(/ \(.\)$/, "")}: ${words}` : words;
      if (!words || part.disabled || seen.has(label)) return [];
      seen.add(label);
      const item = document.createElement("li");
      item.setAttribute("role", "option");
      const icon = part.querySelector("svg")?.cloneNode(true) ?? document.createElement("i");
      item.append(icon, Object.assign(document.createElement("span"), { textContent: label }));
      item.append(Object.assign(document.createElement("small"), { textContent: part.dataset.key ?? this.list.dataset.here }));
      item.act = () => part.click();
      return [item];
    });
  }

  show() {
    const words = plain(this.input.value).split(/\s+/).filter(Boolean);
    const fits = [...this.offered, ...this.fixed].filter(item => words.every(word => plain(item.textContent).includes(word)));
    this.list.replaceChildren(...fits);
    this.list.querySelectorAll("[role=option]").forEach((item, place) => { item.id = `palette-${place}`; });
    this.choose(this.list.querySelector("[role=option]"));
    clearTimeout(this.timer);
    if (words.length) this.timer = setTimeout(() => this.look(this.input.value), 120);
  }

  async look(text) {
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const answer = await fetch(`${this.list.dataset.tickets}?${new URLSearchParams({ q: text })}`, { signal: this.asked.signal, headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected || this.input.value !== text) return;
      const found = document.createElement("template");
      found.innerHTML = await answer.text();
      this.list.querySelectorAll("[data-found]").forEach(item => item.remove());
      this.list.append(found.content);
      this.list.querySelectorAll("[role=option]").forEach((item, place) => { item.id = `palette-${place}`; });
      if (!this.chosen?.isConnected) this.choose(this.list.querySelector("[role=option]"));
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  choose(item) {
    this.chosen = item;
    for (const each of this.list.children) each.setAttribute("aria-selected", String(each === item));
    this.input.setAttribute("aria-activedescendant", item?.id ?? "");
    item?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const options = [...this.list.querySelectorAll("[role=option]")];
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) this.choose(options.at((options.indexOf(this.chosen) + by) % options.length));
    else if (event.key === "Enter") this.take(this.chosen);
    else return;
    event.preventDefault();
  }

  take(item) {
    if (!item) return;
    this.box.close();
    if (item.act) item.act();
    else location.assign(item.dataset.url);
  }
}

script.dataset.ready = "";
