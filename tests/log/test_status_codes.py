"""The words of other servers in one sentence: real replies of real servers, and what must follow from them."""

import pytest
from django.utils import translation

from postvak.log.status_codes import BY_REPLY, BY_STATUS, explanation, is_address_gone

REPLIES = (
    ("550 5.1.1 <x@gmail.com> The email account that you tried to reach does not exist.", "doesn't exist", True),
    ("550 5.1.1 <ann@x.example>: Recipient address rejected: User unknown in virtual mailbox table", "doesn't exist", True),
    ("550 Requested action not taken: mailbox unavailable", "doesn't exist", True),
    ("550 No such user here", "doesn't exist", True),
    ("550 5.1.2 Host unknown (Name server: x.example: host not found)", "after the @", True),
    ("556 5.1.10 Recipient address has null MX", "takes no mail", True),
    ("552 5.2.2 The email account that you tried to reach is over quota", "mailbox is full", False),
    ("452 4.2.2 Mailbox full", "tries again", False),
    ("450 4.7.1 <ann@x.example>: Recipient address rejected: Greylisted, see http://postgrey.example/", "come again", False),
    ("451 4.7.1 Greylisting in action, please come back in 00:05:00", "come again", False),
    ("450 4.1.1 <x@y.example>: Recipient address rejected: unverified address", "can't check this address", False),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "block lists", False),
    ("554 5.7.1 Relay access denied", "doesn't pass mail on", False),
    ("550-5.7.26 This mail is unauthenticated, SPF did not pass", "SPF, DKIM and DMARC", False),
    ("550 5.7.1 Message rejected as spam by Content Filtering.", "spam", False),
    ("552 5.3.4 Message size exceeds fixed limit", "too large", False),
    ("421 4.7.0 Try again later, closing connection", "tries again", False),
    ("421 4.4.2 connection lost: timed out", "connection", False),
    ("530 5.7.0 Authentication required", "log-in", False),
    ("553 5.6.7 the server offers no SMTPUTF8 and cannot take this address", "letters like", False),
    ("554 Transaction failed", "refuses the mail", False),
    ("599 something nobody has ever seen", "refuses the mail for good", False),
    ("5.1.1 smtp; 550 5.1.1 <x@y.example> User unknown", "doesn't exist", True),
    ("552 5.3.1 mail system full", "given up", False),
    ("550 5.7.28 too many mails from you", "given up", False),
    ("5.4.7 smtp; delivery time expired", "couldn't be delivered in time", False),
    ("550 5.7.1 Our system detected that the domain's DMARC policy was not met", "SPF, DKIM and DMARC", False),
    ("550 5.7.515 Access denied, sending domain x.example does not meet the required authentication level.", "SPF, DKIM", False),
    ("554 5.7.9 Message not accepted for policy reasons. See https://senders.example/codes", "rules don't allow", False),
    ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "doesn't exist", False),
    ("550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Part of their network is on our block list (S3140).", "block lists", False),
    ("550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.", "block lists", False),
    ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints", "too much mail", False),
    ("552-5.7.0 This message was blocked because its content presents a potential security issue.", "a file of this mail", False),
    ("554 5.6.0 Attachment type .exe is not allowed", "a file of this mail", False),
    ("530 5.7.0 Must issue a STARTTLS command first", "encrypted", False),
    ("450 4.1.8 <a@b.example>: Sender address rejected: Domain not found", "domain of our sending address", False),
    ("550 5.1.8 <a@b.example>: Sender address rejected: Domain not found", "domain of our sending address", False),
    ("No MX for customer.example", "after the @", True),
    ("HTTP 200 Queued. Thank you.", "", False),
    ("HTTP 429 Too many requests", "tries again by itself, later", False),
    ("HTTP 503 Service Unavailable", "tries again", False),
    ("HTTP 413 Payload Too Large", "too large", False),
    ("HTTP 403 The from address does not match a verified Sender Identity.", "have its domain verified", False),
    ("HTTP 400 MessageRejected Email address is not verified. The following identities failed", "have its domain verified", False),
    ("HTTP 422 Found inactive addresses: x@y.example. Inactive recipients are ones that have generated a hard bounce", "provider's list", False),
    ("Not delivering to previously bounced address", "provider's list", False),
    ("blocked : due to blacklist user", "provider's list", False),
    ("Postmark can't carry a part of this mail: multipart/signed", "unchanged", False),
    ("Brevo does not support non-ASCII characters in metadata", "unchanged", False),
    ("HTTP 422 Invalid 'To' address: 'x@y'.", "check its spelling", False),
    ("The server was unable to deliver your message (ex: unknown user, mailbox not found).", "doesn't exist", True),
)  # fmt: skip


@pytest.mark.parametrize(("said", "explains", "is_gone"), REPLIES, ids=lambda value: str(value)[:40])
def test_a_reply_is_explained_and_only_a_missing_address_counts_as_gone(
    said: str, explains: str, is_gone: bool
) -> None:
    assert explains in explanation(said)
    assert is_address_gone(said) is is_gone


@pytest.mark.parametrize("said", ["", "250 2.0.0 Ok: queued as 4.1.1", "/var/lib/postvak/sent/1/2.eml"])
def test_what_needs_no_explanation_has_none(said: str) -> None:
    assert explanation(said) == ""


def test_every_sentence_is_whole_and_says_what_to_do_or_that_nothing_is_to_be_done() -> None:
    for sentence in {str(text) for text in (*BY_STATUS.values(), *BY_REPLY.values())}:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert ":" in sentence, sentence


def test_what_is_tried_no_more_promises_nothing_and_what_is_tried_again_does() -> None:
    assert "tries again" in explanation("451 4.3.0 busy", is_final=False)
    assert "given up" in explanation("451 4.3.0 busy", is_final=True)
    assert "for good" in explanation("455 4.9.9 odd", is_final=True)
    assert "tries again" in explanation("connection refused", is_final=False)
    assert "given up" in explanation("connection refused", is_final=True)


def test_the_numbers_of_an_address_are_no_status() -> None:
    assert "block lists" in explanation("554 192.5.1.1 is on a blacklist")


def test_the_class_of_a_reply_counts_in_every_language() -> None:
    for language in ("nl", "de", "en"):
        with translation.override(language):
            assert is_address_gone("550 5.1.1 no such user")
            assert explanation("452 4.2.2 full") != explanation("552 5.2.2 full")
