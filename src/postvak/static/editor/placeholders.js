// {{ … }} that nobody filled stands out, without a change of the text: the CSS Custom Highlight API paints ranges.

const UNFILLED = /\{\{[^{}]*\}\}/g;
const painted = new Map(); // box -> ranges

export function showUnfilled(box) {
  if (!globalThis.Highlight) return;
  painted.set(box, [...rangesIn(box)]);
  const all = [...painted].filter(([one]) => one.isConnected).flatMap(([, ranges]) => ranges);
  CSS.highlights.set("unfilled", new Highlight(...all));
}

function* rangesIn(box) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const match of walker.currentNode.data.matchAll(UNFILLED)) {
      const range = new StaticRange({
        startContainer: walker.currentNode, startOffset: match.index,
        endContainer: walker.currentNode, endOffset: match.index + match[0].length,
      });
      yield range;
    }
  }
}
