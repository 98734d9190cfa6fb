"""The HTML of agents: what goes out, what does not, pictures of the editor, the text beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.outgoing_html import cids_in, clean, for_editor, text_of, with_sources

KEPT = [
    "<p>Hello <b>Ann</b>, <i>this</i> is <u>it</u></p>",
    '<a href="https://shop.example/?a=1&amp;b=2">shop</a>',
    "<ul><li>one</li><li>two</li></ul>",
    "<blockquote>words</blockquote>",
    "<pre>a\n  b</pre>",
    "<h2>Title</h2><hr>",
    '<span style="color: rgb(10, 20, 30); font-size: 14px">big</span>',
    '<table border="1"><tbody><tr><td colspan="2">cell</td></tr></tbody></table>',
    '<img src="cid:a1@x.example" alt="lamp" width="20">',
]


@pytest.mark.parametrize("html", KEPT)
def test_what_an_editor_makes_goes_out_as_it_is(html: str) -> None:
    assert clean(html) == html


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p onclick=\"x()\" class='y' id=z>a</p>", "<p>a</p>"),
        ("<script>x()</script><style>p{}</style>a", "a"),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href="/tickets/1/">a</a>', "<a>a</a>"),
        ('<img src="https://tracker.example/1.gif">a', "a"),
        ('<img src="data:image/png;base64,AAAA">a', "a"),
        ('<img src="/drafts/1/files/2/">a', "a"),
        ('<p style="position:fixed;background:url(//x.example);color:red">a</p>', '<p style="color:red">a</p>'),
        ('<form action="/x"><input name=a><button>go</button></form>', "go"),
        ("<iframe src=x></iframe>a<!-- note -->", "a"),
    ],
)
def test_what_could_do_harm_or_call_home_stays_here(html: str, left: str) -> None:
    assert clean(html) == left


def test_a_picture_of_the_editor_becomes_a_part_of_the_mail_and_comes_back_into_the_editor() -> None:
    sent = clean('<p>Look: <img src="/drafts/3/files/4/" data-cid="a1@postvak" alt="a"></p>')
    assert sent == '<p>Look: <img src="cid:a1@postvak" alt="a"></p>'
    assert cids_in(sent) == {"a1@postvak"}
    shown = for_editor(sent, {"a1@postvak": "/drafts/3/files/4/"})
    assert clean(shown) == sent
    assert with_sources(sent, {"a1@postvak": "/x/"}) == '<p>Look: <img src="/x/" alt="a"></p>'


def test_the_text_says_where_a_link_leads_unless_its_words_do() -> None:
    assert text_of('<p>See <a href="https://a.example/b">this page</a>.</p>') == "See this page <https://a.example/b>."
    assert text_of('<a href="https://a.example/">a.example</a>') == "a.example"
    assert text_of('<a href="mailto:ann@x.example">ann@x.example</a>') == "ann@x.example"


def test_a_million_open_elements_become_text() -> None:
    assert "<div" not in clean("<div>" * 5000 + "deep")
    assert "deep" in clean("<div>" * 5000 + "deep")


HTML = st.text(alphabet=st.sampled_from("<>/=\"'& abcdimgsrcstylehref:;x-\n\x00"), max_size=200) | st.text(max_size=80)


@given(HTML)
def test_cleaning_twice_changes_nothing_more_and_nothing_runs(html: str) -> None:
    once = clean(html)
    assert clean(once) == once
    assert "<script" not in once.lower()
    assert "javascript:" not in once.lower() or "href=" not in once.lower()


def test_words_about_a_picture_are_no_picture() -> None:
    html = clean(
        '<p>&lt;img src="cid:a@b"&gt;</p><a title="src=\'cid:a@b\' onclick=x" href="https://shop.example">x</a>'
    )
    assert cids_in(html) == frozenset()
    assert for_editor(html, {"a@b": "/drafts/1/files/1/"}) == html
