"""How a finished mail looks: a document for a sandboxed frame, light or dark, or its text part."""

import base64
from collections.abc import Iterable
from html import escape

from django.http import HttpRequest, HttpResponse

from postvak.mail.compose import File
from postvak.mail.outgoing_html import CIDS
from postvak.notify.body import Body
from postvak.web.desk.downloads import BODY
from postvak.web.pages import render

VIEWS = ("light", "dark", "phone", "text")
NOTE = '<p style="margin:0;padding:8px 24px;font:13px/1.4 system-ui,sans-serif;color:#3d2f00;background:#fdf3d8">{}</p>'
DARK = "(prefers-color-scheme: dark)"


def preview_page(request: HttpRequest, body: Body, *, view: str, note: str = "") -> HttpResponse:
    """The mail as its reader sees it; `view` is one of VIEWS, anything else is light. `note` stands above it."""
    html = in_scheme(with_pictures(body.html, body.files), is_dark=view == "dark")
    context = {
        "html": with_note(html, note) if note else html,
        "text": body.text if view == "text" else "",
        "is_dark": view == "dark",
        "note": note,
    }
    response = render(request, "mail/preview.html", context)
    response.headers["Content-Security-Policy"] = BODY.format(images="'self' data:")
    return response


def with_pictures(html: str, files: Iterable[File]) -> str:
    """The pictures of the mail as data: addresses, because the frame has no mail to take them from."""
    shown = {file.content_id: file for file in files if file.content_id}

    def address(cid: str) -> str:
        file = shown.get(cid)
        encoded = base64.b64encode(file.content).decode() if file else ""
        return f'src="data:{file.content_type};base64,{encoded}"' if file else 'src="data:,"'

    return CIDS.sub(lambda match: match[1] + address(match[2]), html)


def in_scheme(html: str, *, is_dark: bool) -> str:
    """What the reader's setting would decide is decided here."""
    return html.replace(f"@media {DARK}", "@media all" if is_dark else "@media not all").replace(
        "color-scheme: light dark", f"color-scheme: {'dark' if is_dark else 'light'}"
    )


def with_note(html: str, note: str) -> str:
    """In a mail that is a whole document the note has to stand inside its body."""
    at = html.find(">", html.find("<body")) + 1 if "<body" in html else 0
    return html[:at] + NOTE.format(escape(note)) + html[at:] if at else html
