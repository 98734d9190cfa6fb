// Looks of parts of a text. Our CSP refuses style attributes in HTML that is parsed (innerHTML, also by Squire's undo), so
// inside the editor a look is a class: "color: red" is class="look-1", with a rule in a sheet that only this file writes.
// Outside of it – in what is saved and sent – it is a style attribute again. Squire joins neighbours by their class, which
// fits: same look, same class.

const ALLOWED = ["color", "background-color", "font-size", "font-family", "text-align"];
const TAG = /<[a-z](?:[^>"']|"[^"]*"|'[^']*')*>/gi;
const known = new Map(); // css -> class
const sheet = new CSSStyleSheet();
const probe = document.createElement("span").style; // normalises, and drops what is no CSS

document.adoptedStyleSheets.push(sheet);

export function lookOf(css) {
  probe.cssText = css; // CSSOM: not refused
  const kept = ALLOWED.filter(name => probe.getPropertyValue(name) && !isPlain(name, probe.getPropertyValue(name)));
  const clean = kept.map(name => `${name}: ${probe.getPropertyValue(name)}`).join("; ");
  if (!clean || /url\(|var\(/i.test(clean)) return "";
  if (!known.has(clean)) {
    known.set(clean, `look-${known.size + 1}`);
    sheet.insertRule(`.rich-text .${known.get(clean)} { ${clean} }`, sheet.cssRules.length);
  }
  return known.get(clean);
}

// Black on white is no look: it would stay black in the dark.
function isPlain(name, value) {
  if (name === "color") return /^(black|windowtext|inherit|initial|rgb\(0, 0, 0\)|rgb\(3[0-9], 3[0-9], 3[0-9]\))$/i.test(value);
  if (name === "background-color") return /^(white|transparent|inherit|initial|rgb\(255, 255, 255\)|rgba\(0, 0, 0, 0\))$/i.test(value);
  return /^(inherit|initial|start|left)$/i.test(value);
}

// Before the browser parses anything: style="…" becomes data-css="…". Handlers (onclick="…") would never run, but even to
// parse them is reported as a breach of the CSP, so they get a name that means nothing and that the sanitiser drops.
export const hideStyles = html => html.replace(TAG, tag => tag
  .replace(/([\s"'/])style(?=\s*=)/gi, "$1data-css")
  .replace(/([\s"'/])on[a-z]+(?=\s*=)/gi, "$1data-handler"));

// On the way out: class="look-1" becomes style="color: red"; other classes never leave.
export function showStyles(html) {
  const css = new Map([...known].map(([style, name]) => [name, style.replaceAll('"', "&quot;")]));
  return html.replace(TAG, tag => tag.replace(/\sclass="([^"]*)"/i, (_, names) => {
    const style = names.split(/\s+/).map(name => css.get(name)).filter(Boolean).join("; ");
    return style ? ` style="${style}"` : "";
  }));
}
