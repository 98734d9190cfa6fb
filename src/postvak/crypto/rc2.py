"""RC2 in CBC mode, decrypting only (RFC 2268): old mails of Outlook Express and Netscape were encrypted with it, with 40 bits.

Whoever keeps such mails wants to read them; nobody should write them.
"""

from __future__ import annotations

import struct

# fmt: off
PI = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
# fmt: on
VERSIONS = {160: 40, 120: 64, 58: 128}


def effective_bits(version: int) -> int:
    """From the parameter of S/MIME (RFC 3370 section 5.2)."""
    return VERSIONS.get(version, version if version > 255 else 32)  # noqa: PLR2004 - table of RFC 2268 section 6


def expand(key: bytes, bits: int) -> tuple[int, ...]:
    """64 words (RFC 2268 section 2)."""
    table = bytearray(key[:128])
    size = len(table)
    for at in range(size, 128):
        table.append(PI[(table[at - 1] + table[at - size]) & 0xFF])
    count = (bits + 7) // 8
    table[128 - count] = PI[table[128 - count] & (0xFF >> (8 * count - bits))]
    for at in range(127 - count, -1, -1):
        table[at] = PI[table[at + 1] ^ table[at + count]]
    return struct.unpack("<64H", table)


def decrypt_cbc(key: bytes, bits: int, iv: bytes, content: bytes) -> bytes:
    """With the padding. `content`: whole blocks of 8 bytes."""
    words, before, out = expand(key, bits), int.from_bytes(iv, "little"), []
    for (block,) in struct.iter_unpack("<Q", content):
        out.append(_block(words, block) ^ before)
        before = block
    return struct.pack(f"<{len(out)}Q", *out)


def _block(words: tuple[int, ...], block: int) -> int:
    """RFC 2268 section 4: 5 mixing rounds backwards, one mashing, 6, one, 5. Numbers instead of lists: it is slow enough."""
    a, b, c, d = block & 0xFFFF, block >> 16 & 0xFFFF, block >> 32 & 0xFFFF, block >> 48
    for turn in range(15, -1, -1):
        at = 4 * turn
        d = ((d >> 5 | d << 11) - words[at + 3] - (c & b) - (~c & a)) & 0xFFFF
        c = ((c >> 3 | c << 13) - words[at + 2] - (b & a) - (~b & d)) & 0xFFFF
        b = ((b >> 2 | b << 14) - words[at + 1] - (a & d) - (~a & c)) & 0xFFFF
        a = ((a >> 1 | a << 15) - words[at] - (d & c) - (~d & b)) & 0xFFFF
        if turn in (11, 5):
            d = (d - words[c & 63]) & 0xFFFF
            c = (c - words[b & 63]) & 0xFFFF
            b = (b - words[a & 63]) & 0xFFFF
            a = (a - words[d & 63]) & 0xFFFF
    return a | b << 16 | c << 32 | d << 48
