"""Watches pages while they are used: screenshots in four sizes and colours when they are wanted, errors, requests that leave."""

import os
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

SHOTS = (
    ("1440-light", 1440, 900, "light"),
    ("1440-dark", 1440, 900, "dark"),
    ("768", 768, 1024, "light"),
    ("360", 360, 780, "light"),
)
EXPECTED = ("status of 422", "status of 404")  # forms with errors, and what a colleague may not see


class Watch:
    """`errors`: what a console showed in red (a violated CSP shows there, too); `requests`: every address asked."""

    def __init__(self, context: BrowserContext) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        context.on("console", self.note)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", self.count)

    def note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in EXPECTED):
            self.errors.append(f"{message.page.url if message.page else '?'}: {message.text}")

    def count(self, request: Request) -> None:
        self.requests.append(request.url)

    def asked_elsewhere(self, own: str) -> list[str]:
        """Requests to other hosts than ours."""
        return [url for url in self.requests if not url.startswith((own, "data:", "about:", "blob:"))]


def shoot(page: Page, name: str) -> None:
    """No page may be wider than the narrowest phone. With POSTVAK_SHOTS (`bin/shots`) also NAME-SIZE.png in that folder."""
    folder = os.environ.get("POSTVAK_SHOTS")
    for size, width, height, scheme in SHOTS if folder else SHOTS[-1:]:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_load_state()
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}-{size}.png", animations="disabled")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} px wider than its window of {width} px"
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")
