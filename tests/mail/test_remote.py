"""What an HTML mail would fetch from other servers: pictures are counted, tracking pixels recognised, their servers named."""

import pytest

from postvak.mail.html import sanitise
from postvak.mail.remote import remote_content

PICTURE = '<img src="https://cdn.example/a.jpg" width="600" height="200">'


def test_pictures_are_counted_and_their_servers_named_once() -> None:
    found = remote_content(
        f'{PICTURE}{PICTURE}<img src="//www.other.example/b.png"><img src="cid:logo"><img src="data:x">'
    )
    assert (found.pictures, found.hosts, found.pixels) == (3, ("cdn.example", "other.example"), frozenset())


def test_backgrounds_are_pictures_too() -> None:
    html = '<table background="https://cdn.example/sky.jpg"><tr><td background="https://t.example/p" width=1 height=1></table>'
    found = remote_content(html)
    assert (found.pictures, found.hosts, found.trackers) == (1, ("cdn.example",), ("t.example",))
    clean = sanitise(html, cid_urls={}, allow_remote=True, never=found.pixels).html
    assert "sky.jpg" in clean
    assert "t.example" not in clean


@pytest.mark.parametrize(
    "attributes",
    [
        'width="1" height="1"', "width=1 height=0", 'style="width:1px;height:1px"', 'style="display: none"',
        'width="1" height="1" style="border:0"', 'style="height:1px !important;width:1px !important;opacity:0"',
        'style="max-width:1px; max-height:1px"', 'style="visibility:hidden"', 'height="0"',
    ],
)  # fmt: skip
def test_a_picture_that_nobody_can_see_is_a_tracking_pixel(attributes: str) -> None:
    found = remote_content(f'<p>Hi</p><img src="https://track.example/o?u=1" {attributes}>')
    assert found.pixels == {"https://track.example/o?u=1"}
    assert (found.pictures, found.trackers) == (0, ("track.example",))


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        'width="1"',
        'width="1" height="40"',
        'width="100%" height="1"',
        'style="opacity:0.9"',
        'style="max-width:600px"',
    ],
)
def test_what_might_be_seen_is_a_picture(attributes: str) -> None:
    found = remote_content(f'<img src="https://cdn.example/line.png" {attributes}>')
    assert (found.pictures, found.pixels) == (1, frozenset())


def test_nothing_is_found_where_nothing_would_be_loaded() -> None:
    for html in (
        "",
        "no // picture",
        '<a href="https://x.example">link</a>',
        "<div>" * 3000 + PICTURE,
        "x" * 3_000_000 + PICTURE,
    ):
        assert remote_content(html).pictures == 0


def test_pixels_stay_out_also_where_pictures_are_allowed() -> None:
    html = f'{PICTURE}<img src="https://track.example/o" width=1 height=1>'
    clean = sanitise(html, cid_urls={}, allow_remote=True, never=remote_content(html).pixels).html
    assert "cdn.example" in clean
    assert "track.example" not in clean
