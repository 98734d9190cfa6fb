// A stream of events from the server that comes back by itself: later and later, and each browser at another moment, so that
// a server that was started again isn't asked by all at once. What came meanwhile is told then: `after` says what we know.

const NAMES = ["hello", "beat", "change", "presence", "notice", "reload"];
const FIRST_WAIT = 1000, LONGEST_WAIT = 60_000; // ms
const SILENCE = 65_000; // the server lets hear from it every 25 seconds

// `on(name, values)`; name is also "down": nothing comes for now.
export function listen(url, on) {
  let source = null, last = "", wait = FIRST_WAIT, timer = 0;

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(last ? `${url}?after=${last}` : url);
    for (const name of NAMES) source.addEventListener(name, event => hear(name, event));
    source.addEventListener("error", again);
    timer = setTimeout(again, SILENCE);
  }

  function hear(name, event) {
    clearTimeout(timer);
    timer = setTimeout(again, SILENCE);
    if (name === "hello") wait = FIRST_WAIT;
    last = event.lastEventId || last;
    on(name, JSON.parse(event.data));
  }

  function again() {
    close();
    timer = setTimeout(open, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
    on("down", {});
  }

  open();
  return { open, close };
}
