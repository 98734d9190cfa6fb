// Search: "/" goes to the box, suggestions under it while one types, arrows from hit to hit.

const WAIT = 90; // ms after the last key
const writes = target => target instanceof Element && (target.isContentEditable || target.matches("input, textarea, select"));

document.addEventListener("keydown", event => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const box = [...document.querySelectorAll("[data-search]")].find(input => input.checkVisibility());
  const way = document.querySelector(".nav-search-icon");
  if (!box && !way) return;
  event.preventDefault();
  if (!box) return location.assign(way.href);
  box.focus();
  box.select();
});

// ---- suggestions: a list box; the focus stays in the field ----------------------------------------------------
class Suggestions {
  constructor(input, number) {
    this.input = input;
    this.list = Object.assign(document.createElement("ul"), { className: "suggestions", id: `suggestions-${number}`, hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", input.labels[0].textContent.trim());
    input.closest("form").append(this.list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id })) input.setAttribute(name, value);
    input.addEventListener("input", () => this.later());
    input.addEventListener("keydown", event => this.key(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", event => event.preventDefault());
    this.list.addEventListener("click", event => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), WAIT);
  }

  async look() {
    const text = this.input.value, atEnd = this.input.selectionEnd === text.length;
    if (!text.trim() || !atEnd) return this.close();
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const answer = await fetch(`${this.input.dataset.suggest}?${new URLSearchParams({ q: text })}`, { signal: this.asked.signal, headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected || this.input.value !== text) return;
      this.list.innerHTML = await answer.text(); // our own server's escaped list; scripts in it would not run
    } catch { return; }
    this.options().forEach((option, place) => { option.id = `${this.list.id}-${place}`; });
    this.show(this.options().length > 0 && document.activeElement === this.input);
    this.choose(null);
  }

  options() { return [...this.list.querySelectorAll("[role=option]")]; }

  show(open) {
    this.list.hidden = !open;
    if (open && getComputedStyle(this.list).position === "fixed") {
      const at = this.input.form.getBoundingClientRect();
      Object.assign(this.list.style, { left: `${at.left}px`, top: `${at.bottom + 4}px` });
    }
    this.input.setAttribute("aria-expanded", String(open));
  }

  close() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.show(false);
    this.choose(null);
  }

  choose(option) {
    this.chosen = option;
    for (const each of this.options()) each.setAttribute("aria-selected", String(each === option));
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    else this.input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  take(option) {
    this.input.value = option.dataset.text;
    this.close();
    this.input.focus();
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
    if (option.dataset.text.endsWith(":")) this.look(); // an operator: offer what may follow
  }

  key(event) {
    const open = !this.list.hidden, options = this.options();
    if (open && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const at = options.indexOf(this.chosen), step = event.key === "ArrowDown" ? 1 : -1;
      this.choose(at < 0 ? options.at(step > 0 ? 0 : -1) : options[at + step] ?? null);
    } else if (open && this.chosen && ["Enter", "Tab"].includes(event.key)) this.take(this.chosen);
    else if (open && event.key === "Escape") this.close();
    else if (!open && event.key === "ArrowDown" && document.querySelector(".hit .subj")) document.querySelector(".hit .subj").focus();
    else return;
    event.preventDefault();
  }
}
document.querySelectorAll("[data-suggest]").forEach((input, number) => new Suggestions(input, number));

// ---- hits: arrows from one to the next, back to the box above the first; j, k, o and x are those of lists (keys.js) ----------
document.addEventListener("keydown", event => {
  const link = event.target instanceof Element && event.target.closest(".hit .subj");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!link || !step || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...document.querySelectorAll(".hit .subj, .hits .older a")], next = links[links.indexOf(link) + step];
  event.preventDefault();
  if (next) next.focus();
  else if (step < 0) [...document.querySelectorAll("[data-search]")].find(input => input.checkVisibility())?.focus();
});
