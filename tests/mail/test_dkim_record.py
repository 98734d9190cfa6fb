"""The DNS record of a DKIM key, and what is wrong with one that was found; SPF and DMARC in one word."""

import pytest

from postvak.mail.dkim_record import Finding, in_strings, judge, record_text
from postvak.mail.sender_records import Dmarc, Spf, dmarc_records, judge_dmarc, judge_spf, spf_records

KEY = "MIIBIjANBgkqhkiG9w0BAQEF" + "A" * 368


def test_the_record_says_what_key_it_is_and_fits_into_strings() -> None:
    text = record_text(KEY)
    assert text.startswith("v=DKIM1; k=rsa; p=MII")
    pieces = in_strings(text)
    assert "".join(pieces) == text
    assert [len(piece) <= 255 for piece in pieces] == [True, True]
    assert judge([text], KEY) is Finding.ok


@pytest.mark.parametrize(
    ("records", "finding"),
    [
        ([], Finding.none),
        ([record_text(KEY)] * 2, Finding.several),
        ([record_text(KEY), "google-site-verification=x"], Finding.several),
        ([f"p={KEY}"], Finding.ok),
        ([f"k=rsa;p={KEY[:90]} {KEY[90:]};"], Finding.ok),
        ([f"v=DKIM1; t=y; p={KEY}"], Finding.testing),
        ([f"v=DKIM1; t=s:y; p={KEY}"], Finding.testing),
        ([f"v=DKIM1; t=s; p={KEY}"], Finding.ok),
        (["v=DKIM1; p="], Finding.revoked),
        (["v=DKIM1; p=MIIBother"], Finding.other_key),
        ([record_text(KEY)[:255]], Finding.cut),
        ([f"v=DKIM1; k=ed25519; p={KEY}"], Finding.unfit),
        ([f"v=DKIM1; h=sha1; p={KEY}"], Finding.unfit),
        ([f"v=DKIM1; s=tlsrpt; p={KEY}"], Finding.unfit),
        ([f"v=DKIM2; p={KEY}"], Finding.unfit),
        (["v=spf1 -all"], Finding.no_key),
        (["some words"], Finding.no_key),
    ],
)
def test_what_stands_in_dns_is_judged(records: list[str], finding: Finding) -> None:
    assert judge(records, KEY) is finding
    assert finding.is_good == (finding in {Finding.ok, Finding.testing})


@pytest.mark.parametrize(
    ("texts", "spf"),
    [
        ([], Spf.none),
        (["v=spf10 -all", "x"], Spf.none),
        (["v=spf1 mx -all", "v=spf1 a -all"], Spf.several),
        (["v=spf1 mx -all"], Spf.strict),
        (["V=SPF1 include:_spf.example ~ALL"], Spf.soft),
        (["v=spf1 mx"], Spf.neutral),
        (["v=spf1 ?all"], Spf.neutral),
        (["v=spf1 +all"], Spf.open),
        (["v=spf1 all"], Spf.open),
        (["v=spf1 redirect=_spf.example"], Spf.elsewhere),
    ],
)
def test_spf_in_one_word(texts: list[str], spf: Spf) -> None:
    assert judge_spf(spf_records(texts)) is spf


@pytest.mark.parametrize(
    ("texts", "dmarc"),
    [
        (["v=spf1 -all"], Dmarc.none),
        (["v=DMARC1; p=none; rua=mailto:a@example.org"], Dmarc.watch),
        (["v=DMARC1;p=Quarantine"], Dmarc.quarantine),
        (["v=DMARC1; p=reject; sp=none"], Dmarc.reject),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], Dmarc.several),
        (["v=DMARC1"], Dmarc.broken),
    ],
)
def test_dmarc_in_one_word(texts: list[str], dmarc: Dmarc) -> None:
    assert judge_dmarc(dmarc_records(texts)) is dmarc
