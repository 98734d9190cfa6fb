"""The checks that only `postvak doctor` does: they read whole tables, or ask DNS and mail servers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from postvak.blobs.check import check as compare_contents
from postvak.blobs.vault import VaultUnreachable, vault
from postvak.connect.endpoint import endpoint_of
from postvak.crypto.sealing import CannotOpen
from postvak.log.ledger.numbers import real_totals, totals
from postvak.mail.sender_records import Dmarc, Spf
from postvak.models import Address, Channel, Mailbox, SigningKey
from postvak.net.certificates import certificate_end
from postvak.net.connection import ConnectionProblem
from postvak.notify.health.checks import Check
from postvak.notify.health.finding import Finding, Severity
from postvak.notify.health.machine import SOON
from postvak.send import signing_keys
from postvak.setup import checks
from postvak.web.admin.signing_words import DMARC, FINDINGS, SPF

SAMPLE = 200  # contents that are read and verified
BAD_SPF = {Spf.none: Severity.notice, Spf.neutral: Severity.notice, Spf.unreachable: Severity.warning}
BAD_SPF |= dict.fromkeys((Spf.several, Spf.open), Severity.warning)
BAD_DMARC = {Dmarc.none: Severity.notice, Dmarc.unreachable: Severity.warning}
BAD_DMARC |= dict.fromkeys((Dmarc.several, Dmarc.broken), Severity.warning)


def configuration(now: datetime) -> Iterator[Finding]:
    """What can't be read at all ends every command; this is what works, but not as somebody wants it."""
    known = settings.CONFIGURATION
    if not known.url:
        yield Finding("url_missing", severity=Severity.notice)
    if known.debug:
        yield Finding("debug_on", severity=Severity.warning)
    if not Channel.objects.filter(is_valid=True).exists() and Address.objects.filter(is_valid=True).exists():
        yield Finding("channel_missing", severity=Severity.warning, page=("admin_channels",))


def passwords(now: datetime) -> Iterator[Finding]:
    """Do the keys of this installation open what was sealed with them?"""
    for row in (*Mailbox.objects.exclude(sealed_password=""), *Channel.objects.exclude(sealed_password="")):
        try:
            row.password  # noqa: B018 - opens it
        except CannotOpen as error:
            about = f"{row._meta.model_name}:{row.pk}"
            page = (f"admin_{row._meta.model_name}", str(row.pk))
            yield Finding("password_sealed", {"name": row.name, "said": str(error)}, about=about, page=page, row=row)


def ledger_equation(now: datetime) -> Iterator[Finding]:
    """Received = sum of outcomes + in progress, by counting each mail. Mails that move meanwhile are looked at again."""
    if different() and (left := different()):
        told = ", ".join(f"{direction} {state}: {here} instead of {real}" for direction, state, here, real in left)
        yield Finding("ledger_unequal", {"differences": told})


def different() -> list[tuple[str, str, int, int]]:
    """(direction, state, as the tallies say, as there are)"""
    rows = []
    for direction, real in real_totals().items():
        kept: Mapping[str, int] = totals(direction)
        for state in sorted({*kept, *real}):
            if kept.get(state, 0) != real.get(state, 0):
                rows.append((direction, state, kept.get(state, 0), real.get(state, 0)))
    return rows


def stored_contents(now: datetime) -> Iterator[Finding]:
    try:
        result = compare_contents(vault(), sample=SAMPLE)
    except VaultUnreachable as error:
        yield Finding("blobs_unreachable", {"said": str(error)})
        return
    lost = len(result.missing) + len(result.corrupt)
    if lost:
        yield Finding("blobs_missing", {"number": lost, "place": str(vault())})
    if result.orphaned:
        facts = {"number": len(result.orphaned), "place": str(vault())}
        yield Finding("blobs_orphaned", facts, Severity.notice)


def log_in_to_mailboxes(now: datetime) -> Iterator[Finding]:
    for mailbox in Mailbox.objects.fetched().select_related("grant"):
        about, page = f"mailbox:{mailbox.pk}", ("admin_mailbox", str(mailbox.pk))
        result = checks.check_mailbox(mailbox)
        if not result.ok:
            facts = {"mailbox": mailbox.name, **words_of(result)}
            yield Finding("mailbox_refused", facts, about=about, page=page, row=mailbox)
        yield from ending(mailbox, mailbox.kind, now, about, page)


def log_in_to_channels(now: datetime) -> Iterator[Finding]:
    for channel in Channel.objects.filter(is_valid=True, kind=Channel.Kind.SMTP).select_related("grant"):
        about, page = f"channel:{channel.pk}", ("admin_channel", str(channel.pk))
        result = checks.check_channel(channel)
        if not result.ok:
            facts = {"channel": channel.name, **words_of(result)}
            yield Finding("channel_refused", facts, about=about, page=page, row=channel)
        yield from ending(channel, "smtp", now, about, page)


def words_of(result: checks.Check) -> dict[str, object]:
    said = result.said if isinstance(result.said, str) else "\n".join(result.said)
    return {"what": result.what, "remedy": result.remedy, "said": said or "–"}


def ending(
    account: Mailbox | Channel, protocol: str, now: datetime, about: str, page: tuple[str, ...]
) -> Iterator[Finding]:
    """Its server's certificate, while there is still time to renew it."""
    try:
        until = certificate_end(endpoint_of(account), protocol)
    except (ConnectionProblem, CannotOpen):
        return  # the log-in said so already
    if until is not None and until < now + SOON:
        facts = {"name": f"{account.host}:{account.port}", "until": f"{until:%Y-%m-%d %H:%M} UTC"}
        yield Finding("certificate_ends", facts, Severity.warning, about, page, row=account, since=until - SOON)


def dns_of_sending_domains(now: datetime) -> Iterator[Finding]:
    """SPF and DMARC of each domain, and the keys that sign for it."""
    for domain in signing_keys.sending_domains():
        page = ("admin_signing_domain", domain)
        found = signing_keys.policies_of(domain)
        if severity := BAD_SPF.get(found.spf):
            yield of_domain("spf_bad", domain, str(SPF[found.spf][0]), severity)
        if severity := BAD_DMARC.get(found.dmarc):
            yield of_domain("dmarc_bad", domain, str(DMARC[found.dmarc][0]), severity)
        keys = SigningKey.objects.filter(Q(domain=domain), is_on=True)
        for key in keys:
            finding = signing_keys.check_key(key, now)
            if not finding.is_good:
                what, remedy = FINDINGS[finding]
                facts = {"domain": domain, "what": str(what), "remedy": str(remedy)}
                yield Finding("dkim_bad", facts, about=f"key:{key.pk}", page=page)
        if not keys:
            yield Finding("dkim_none", {"domain": domain}, Severity.notice, domain, page)


def of_domain(code: str, domain: str, what: str, severity: Severity) -> Finding:
    return Finding(code, {"domain": domain, "what": what}, severity, domain, ("admin_signing_domain", domain))


OFFLINE: Sequence[Check] = (configuration, passwords, ledger_equation, stored_contents)
ONLINE: Sequence[Check] = (log_in_to_mailboxes, log_in_to_channels, dns_of_sending_domains)
