// Asks for the address of a link, beside the caret. Ctrl+K opens it; an empty address takes the link away.

import { place } from "../place.js";

export function addLinkForm(editor, template) {
  const { squire, box } = editor;
  const form = template.content.querySelector(".link-form").cloneNode(true);
  const input = form.querySelector("input");
  box.parentElement.append(form);
  const open = () => {
    input.value = linkAt(squire)?.getAttribute("href") ?? "";
    input.removeAttribute("aria-invalid");
    form.showPopover();
    place(form, editor.caret());
    input.select();
  };
  const done = () => { form.hidePopover(); squire.focus(); };
  const use = () => {
    if (!input.value.trim()) { squire.removeLink(); return done(); }
    const address = addressOf(input.value.trim());
    if (!address) return input.setAttribute("aria-invalid", "true");
    chooseWholeLink(squire);
    squire.makeLink(address);
    done();
  };
  // no <form>: the editor stands in one already
  form.addEventListener("click", event => {
    const act = event.target.closest("[data-link]")?.dataset.link;
    if (act === "use") use();
    if (act === "remove") { input.value = ""; use(); }
  });
  form.addEventListener("keydown", event => {
    if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); use(); }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); done(); }
  });
  box.addEventListener("keydown", event => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); open(); }
  });
  return open;
}

function linkAt(squire) {
  const node = squire.getSelection().commonAncestorContainer;
  return (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest("a[href]");
}

function chooseWholeLink(squire) {
  const range = squire.getSelection(), link = linkAt(squire);
  if (!link || !range.collapsed) return;
  range.selectNodeContents(link);
  squire.setSelection(range);
}

// What people type: example.org/shop, ann@example.org, https://…; "" when it is no address.
export function addressOf(typed) {
  if (/^(https?:\/\/|mailto:|tel:)\S+$/i.test(typed)) return typed;
  if (/^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/.test(typed)) return `mailto:${typed}`;
  if (/^[\w-]+(\.[\w-]+)+([/?#:]\S*)?$/.test(typed)) return `https://${typed}`;
  if (/^\{\{[^{}]+\}\}$/.test(typed)) return typed;
  return "";
}
