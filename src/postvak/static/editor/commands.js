// What the buttons and keys of the editor do. Each command: `act(squire)`, and `isOn(squire)` where it can be on.

const isIn = tag => squire => new RegExp(`(?:^|>)${tag}\\b`).test(squire.getPath()) || squire.hasFormat(tag);
const toggle = (tag, on, off) => ({ isOn: isIn(tag), act: squire => (isIn(tag)(squire) ? off(squire) : on(squire)) });

// A heading is a block of another tag; there is one size of it, mails need no more.
function setBlocks(squire, tag) {
  squire.modifyBlocks(fragment => {
    for (const block of fragment.querySelectorAll("div, p, h1, h2, h3")) {
      if (block.querySelector("div, p, h1, h2, h3, ul, ol, table")) continue;
      const other = document.createElement(tag);
      other.append(...block.childNodes);
      block.replaceWith(other);
    }
    return fragment;
  });
  squire.focus();
}

// Without a selection the line is meant.
function clear(squire) {
  const range = squire.getSelection();
  if (range.collapsed) {
    const start = range.startContainer;
    const line = (start.nodeType === Node.TEXT_NODE ? start.parentElement : start).closest("div, p, li, h1, h2, h3, pre");
    if (line && squire.getRoot().contains(line) && line !== squire.getRoot()) range.selectNodeContents(line);
  }
  squire.removeAllFormatting(range);
  if (isIn("H[1-3]")(squire)) setBlocks(squire, "div");
  if (isIn("BLOCKQUOTE")(squire)) squire.removeQuote();
}

// Inks that can be read on white and on dark paper alike.
export const INKS = { alert: "#c0392b", good: "#2e8555", calm: "#3470b8" };

export function setInk(squire, look) {
  const current = /look-\d+/.exec(squire.getPath())?.[0];
  const remove = current ? { tag: "SPAN", attributes: { class: current } } : null;
  squire.changeFormat(look ? { tag: "SPAN", attributes: { class: look } } : null, remove);
  squire.focus();
}

export const commands = {
  bold: toggle("B", s => s.bold(), s => s.removeBold()),
  italic: toggle("I", s => s.italic(), s => s.removeItalic()),
  underline: toggle("U", s => s.underline(), s => s.removeUnderline()),
  strike: toggle("S", s => s.strikethrough(), s => s.removeStrikethrough()),
  list: toggle("UL", s => s.makeUnorderedList(), s => s.removeList()),
  numbers: toggle("OL", s => s.makeOrderedList(), s => s.removeList()),
  quote: toggle("BLOCKQUOTE", s => s.increaseQuoteLevel(), s => s.decreaseQuoteLevel()),
  heading: { isOn: isIn("H[1-3]"), act: squire => setBlocks(squire, isIn("H[1-3]")(squire) ? "div" : "h2") },
  code: { isOn: squire => isIn("PRE")(squire) || isIn("CODE")(squire), act: squire => squire.toggleCode() },
  clear: { act: clear },
  undo: { act: squire => squire.undo() },
  redo: { act: squire => squire.redo() },
};

const run = name => (squire, event) => { event.preventDefault(); commands[name].act(squire); };
const mac = /Mac|iPhone|iPad/.test(navigator.platform) ? "Meta-" : "Ctrl-";

// Squire knows Ctrl+B, I, U, Z, Y, Shift+7 … 9. Tab stays the browser's: it leaves the editor; Page Up scrolls.
export const keys = {
  Tab: null,
  "Shift-Tab": null,
  PageUp: null,
  PageDown: null,
  [`${mac}d`]: null, // a bookmark, as everywhere
  [`${mac}e`]: run("code"),
  [`${mac}\\`]: run("clear"),
};
