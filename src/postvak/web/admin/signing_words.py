"""What DNS says about our keys and domains, in sentences."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.mail.dkim_record import Finding
from postvak.mail.sender_records import Dmarc, Spf

Text = str | Promise

FINDINGS: Mapping[Finding, tuple[Text, Text]] = {
    Finding.ok: (_("DNS has this key."), ""),
    Finding.testing: (
        _("DNS has this key, with the flag for testing."),
        _("Take t=y out of the record once mails arrive well: with it some receivers take signatures less seriously."),
    ),
    Finding.none: (
        _("DNS has no such record."),
        _(
            "Enter the record at the company that runs the domain. Mind that many forms add the domain to the name by "
            "themselves. After that it may take minutes, rarely a day, until everybody sees it."
        ),
    ),
    Finding.several: (
        _("DNS has several text records under this name, so receivers may take the wrong one."),
        _("Leave only the one that is shown here."),
    ),
    Finding.no_key: (
        _("What DNS has under this name is no key."),
        _("Replace the record by the one that is shown here."),
    ),
    Finding.revoked: (
        _("The record in DNS says that this key is withdrawn: p= is empty."),
        _("Replace the record by the one that is shown here."),
    ),
    Finding.other_key: (
        _("DNS has another key under this name."),
        _("Replace the record by the one that is shown here, or make a new key, which gets a name of its own."),
    ),
    Finding.cut: (
        _("The key in DNS is cut off at its end."),
        _("Enter the value in several strings, as it is shown here: some forms take 255 characters at most."),
    ),
    Finding.unfit: (
        _("DNS has this key, but the record forbids what Postvak does with it."),
        _("Replace the record by the one that is shown here; v=, k=, h= or s= are wrong."),
    ),
    Finding.loop: (
        _("The name is an alias (CNAME) that leads in a circle."),
        _("Delete the alias and enter the record that is shown here."),
    ),
    Finding.unreachable: (
        _("No name server gave an answer."),
        _(
            "Check again in a moment. If it stays so, this machine can't look up names, or the domain's name servers "
            "are down."
        ),
    ),
}

SPF: Mapping[Spf, tuple[Text, str]] = {
    Spf.none: (_("There is no SPF record: receivers can't tell which servers may send for this domain."), "warn"),
    Spf.several: (_("There are several SPF records: receivers take that for an error. Leave one."), "alert"),
    Spf.strict: (_("Only the servers that stand in it may send for this domain. Make sure that yours do."), "good"),
    Spf.soft: (
        _("Mail from other servers than those in it is looked at with mistrust. Make sure that yours are in it."),
        "good",
    ),
    Spf.neutral: (_("It says nothing about other servers, so it protects the domain little."), "warn"),
    Spf.open: (_("It allows every server of the world to send for this domain (+all)."), "alert"),
    Spf.elsewhere: (_("It refers to the record of another domain."), ""),
    Spf.unreachable: (_("No name server gave an answer."), "warn"),
}

DMARC: Mapping[Dmarc, tuple[Text, str]] = {
    Dmarc.none: (_("There is no DMARC record: some large providers want one from everybody who sends much."), "warn"),
    Dmarc.several: (_("There are several DMARC records: receivers ignore them all. Leave one."), "alert"),
    Dmarc.watch: (_("It only collects reports (p=none): mail that fails the check arrives all the same."), ""),
    Dmarc.quarantine: (_("Mail without a valid signature or SPF of this domain goes to the junk folder."), "good"),
    Dmarc.reject: (_("Mail without a valid signature or SPF of this domain is refused."), "good"),
    Dmarc.broken: (_("It says not what to do (p=), so receivers ignore it."), "alert"),
    Dmarc.unreachable: (_("No name server gave an answer."), "warn"),
}
