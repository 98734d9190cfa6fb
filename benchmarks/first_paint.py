"""When something can be seen on a slow line: first contentful paint with an empty cache at the speed of "3G fast".

    python benchmarks/first_paint.py http://127.0.0.1:8000 eva@example.org PASSWORD /list/open/ /tickets/20261122000014/

1.6 Mbit/s down, 768 kbit/s up, 150 ms for each way there and back (WebPageTest's 3G Fast), set in Chromium; the server is
a running one. Each page five times; milliseconds since navigation began.
"""

import argparse
import os

from playwright.sync_api import Browser, sync_playwright
from report import show, spread

LINE = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 768_000 / 8}
ROUNDS = 5
PAINT = """() => new Promise(done => {
  const look = () => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    paint ? done(paint.startTime) : setTimeout(look, 20);
  };
  look();
})"""
BYTES = """() => performance.getEntries().filter(one => one.encodedBodySize)
  .reduce((sum, one) => sum + one.transferSize, 0)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("email")
    parser.add_argument("password")
    parser.add_argument("paths", nargs="+")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        result = {path: measure(browser, options, path) for path in options.paths}
        browser.close()
    show(result, as_json=False)


def measure(browser: Browser, options: argparse.Namespace, path: str) -> str:
    taken: list[float] = []
    size = 0.0
    for _round in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(f"{options.url}/login/")
        page.locator("input[type=email]").fill(options.email)
        page.locator("input[type=password]").fill(options.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login/" not in url)
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.clearBrowserCache")
        line.send("Network.emulateNetworkConditions", LINE)
        page.goto(options.url + path)
        taken.append(page.evaluate(PAINT))
        size = page.evaluate(BYTES)
        context.close()
    return f"{spread(taken)}, {size / 1000:.0f} KB over the line"


if __name__ == "__main__":
    main()
