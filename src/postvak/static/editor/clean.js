// What may stand in a mail that is written here. Everything that comes into the editor – a stored draft, a template, a
// paste from Word or from the web – passes `toFragment`; everything that leaves it passes `toHtml`.

import "../vendor/dompurify/purify.min.js"; // a classic script: it leaves window.DOMPurify
import { hideStyles, lookOf, showStyles } from "./styles.js";

const TAGS = [
  "p", "div", "br", "hr", "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "sub", "sup", "span", "a", "img",
  "ul", "ol", "li", "blockquote", "pre", "code", "h1", "h2", "h3", "h4", "h5", "h6",
  "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td", "input",
];
const ATTRIBUTES = [
  "href", "src", "alt", "width", "height", "start", "type", "colspan", "rowspan", "align", "valign", "border",
  "cellpadding", "cellspacing", "bgcolor", "dir", "lang", "data-cid", "data-css", "id",
];
const RULES = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ATTRIBUTES,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|cid:|\/drafts\/|\/templates\/|\{\{)/i,
  ADD_URI_SAFE_ATTR: ATTRIBUTES.filter(name => name !== "href" && name !== "src"), // their values are no addresses
  RETURN_DOM_FRAGMENT: true,
};
const BOOKMARK = /^squire-selection-(start|end)$/;

// What one copies here and pastes here keeps its look; what comes from elsewhere keeps its structure only – else a mail would
// be a patchwork of the fonts and greys of other people's pages.
export const OURS = '<meta name="from-postvak">';

export function toFragment(html, { isPasted = false } = {}) {
  const keepsLook = !isPasted || html.includes(OURS);
  const inert = window.DOMPurify.sanitize(hideStyles(withoutOffice(html)), RULES);
  inert.querySelectorAll("img").forEach(keepOwnPicture); // in a document of its own: once in ours, they would be asked for
  const fragment = document.importNode(inert, true);
  fragment.querySelectorAll("[data-css]").forEach(element => applyCss(element, keepsLook));
  fragment.querySelectorAll("input").forEach(input => BOOKMARK.test(input.id) || input.remove());
  fragment.querySelectorAll("[id]:not(input)").forEach(element => element.removeAttribute("id"));
  fragment.querySelectorAll("h4, h5, h6").forEach(element => rename(element, "h3"));
  fragment.querySelectorAll("span:not([class])").forEach(unwrap);
  fragment.querySelectorAll("a:not([href])").forEach(link => link.replaceWith(...link.childNodes));
  return fragment;
}

// Word's conditional comments and list bullets that it writes as text would come out as words.
function withoutOffice(html) {
  return html
    .replace(/<!\[if !supportLists\]>[\s\S]*?<!\[endif\]>/gi, "")
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<!\[[^\]]*\]>/g, "")
    .replace(/<(style|script|title|head|xml)\b[\s\S]*?<\/\1\s*>/gi, "");
}

// A style becomes a look (class) or the element that means the same.
function applyCss(element, keepsLook) {
  const css = element.dataset.css;
  element.removeAttribute("data-css");
  const style = document.createElement("span").style;
  style.cssText = css;
  if (element.matches("b, strong") && /^(normal|[1-4]00)$/.test(style.fontWeight)) return unwrap(element); // Google Docs
  const look = keepsLook && element.matches("span, p, div, td, th, li, h1, h2, h3") ? lookOf(css) : "";
  if (look) element.className = look;
  if (!element.matches("span")) return;
  if (/^(bold|[6-9]00)$/.test(style.fontWeight)) wrapInside(element, "b");
  if (style.fontStyle === "italic") wrapInside(element, "i");
  if (style.textDecoration.includes("underline")) wrapInside(element, "u");
  if (style.textDecoration.includes("line-through")) wrapInside(element, "s");
  if (!look) unwrap(element);
}

// Pictures are ours (uploaded, data-cid) or not there: others would load from somebody's server, or stay broken.
// Those that came within the HTML (data:) are uploaded by composer/pictures.js.
function keepOwnPicture(picture) {
  const own = /^(\/(drafts|templates)\/|data:image\/(png|jpe?g|gif|webp);base64,)/.test(picture.getAttribute("src") ?? "") || picture.dataset.cid;
  if (!own) picture.replaceWith(document.createTextNode(picture.alt ? `[${picture.alt}]` : ""));
}

function wrapInside(element, tag) {
  const inner = document.createElement(tag);
  inner.append(...element.childNodes);
  element.append(inner);
}

function unwrap(element) {
  element.replaceWith(...element.childNodes);
}

function rename(element, tag) {
  const other = document.createElement(tag);
  other.append(...element.childNodes);
  element.replaceWith(other);
}

// "" when there is nothing: no words, no picture, no line, no table.
export function toHtml(html) {
  const inert = document.createElement("template");
  inert.innerHTML = html; // from the editor: it has classes, no style attributes
  const box = inert.content;
  box.querySelectorAll("input, img[src^='data:'], .squire-image-resize-container").forEach(element => element.remove());
  plainBlanks(box);
  if (!box.textContent.trim() && !box.querySelector("img, hr, table")) return "";
  while (isEmptyLine(box.lastElementChild)) box.lastElementChild.remove();
  return showStyles(inert.innerHTML);
}

// Browsers type a fixed blank wherever an ordinary one might get lost; between words an ordinary one is meant.
function plainBlanks(box) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const end = node.nextSibling ? "(?=\\S|$)" : "(?=\\S)";
    node.data = node.data.replace(new RegExp(`(\\S)\u00a0${end}`, "g"), "$1 ");
  }
}

const isEmptyLine = element => element?.matches("div, p") && !element.textContent.trim() && !element.querySelector("img, hr, table");
