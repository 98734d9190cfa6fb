"""Which attached files can do harm when they are opened: programs, scripts, macros, names that hide them."""

from __future__ import annotations

import re

# fmt: off
PROGRAMS = frozenset(
    ["exe", "com", "scr", "pif", "cpl", "msi", "msp", "msix", "appx", "appxbundle", "dll", "sys", "drv",
     "ocx", "jar", "apk", "app", "dmg", "pkg", "deb", "rpm", "run", "gadget", "xll"]
)
SCRIPTS = frozenset(
    ["bat", "cmd", "vb", "vbs", "vbe", "js", "jse", "ws", "wsf", "wsh", "wsc", "sct", "ps1", "ps1xml", "ps2",
     "psc1", "psc2", "psm1", "msh", "hta", "chm", "hlp", "lnk", "url", "inf", "reg", "scf",
     "settingcontent-ms", "application", "appref-ms", "ade", "adp", "mde", "jnlp", "py", "pyw", "sh", "bash",
     "command", "desktop", "xbap", "iqy", "slk", "diagcab", "library-ms", "search-ms", "website", "vhd",
     "vhdx", "img", "iso", "one", "svg"]
)
MACROS = frozenset(
    ["docm", "dotm", "xlsm", "xltm", "xlsb", "xlam", "pptm", "potm", "ppsm", "ppam", "sldm"]
)
OFFICE = frozenset(
    ["doc", "docx", "dot", "xls", "xlsx", "xlt", "ppt", "pptx", "pps", "pot", "rtf"]
)
HARMLESS_LOOKING = frozenset(
    ["pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "rtf", "jpg", "jpeg", "png", "gif", "bmp",
     "tif", "tiff", "mp3", "mp4", "avi", "zip", "htm", "html", "csv", "odt", "ods"]
)
# fmt: on
PROGRAM_TYPES = frozenset(
    ["application/x-msdownload", "application/x-dosexec", "application/x-executable", "application/x-msi"]
)
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
OLE = b"\xd0\xcf\x11\xe0"
VBA_IN_OLE = "_VBA_PROJECT".encode("utf-16-le")
LOOKED_AT = 20_000_000


def danger_of(name: str, content_type: str, content: bytes) -> str:
    """program | script | macros | hidden_name | '' – the first that fits. Archives are not opened."""
    words = TURNING.sub("", name).lower().rstrip(". ").split(".")
    extension = words[-1].strip() if len(words) > 1 else ""
    if TURNING.search(name) and extension:
        return "hidden_name"
    if extension in PROGRAMS or extension in SCRIPTS:
        hides = len(words) > 2 and words[-2].strip() in HARMLESS_LOOKING
        return "hidden_name" if hides else "program" if extension in PROGRAMS else "script"
    if content_type in PROGRAM_TYPES or _is_program(content):
        return "program"
    return "macros" if extension in MACROS or _has_macros(extension, content) else ""


def _is_program(content: bytes) -> bool:
    """A Windows program (with its DOS stub), ELF, Mach-O."""
    if content[:2] == b"MZ" and len(content) > 64:
        at = int.from_bytes(content[60:64], "little")
        return content[at : at + 2] in (b"PE", b"NE", b"LE", b"LX")
    return content.startswith((b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\x00\x00\x00\x02"))


def _has_macros(extension: str, content: bytes) -> bool:
    if content[:2] == b"PK" and (extension in OFFICE or not extension):
        return b"vbaProject.bin" in content[:LOOKED_AT]
    return content[:4] == OLE and VBA_IN_OLE in content[:LOOKED_AT]
