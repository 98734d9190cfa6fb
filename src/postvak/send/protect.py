"""plan(): is a mail signed, is it encrypted, and in which kind? Decided when it is posted, frozen with it. Spec 05.

Fails closed: what is demanded and impossible is refused, never left out. What happens at handing over: send.sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.models import Address, CryptoKey, Encrypt, Options, Queue, Rule, Sign
from postvak.send.protection import KINDS, Ability, Protection, Why, carries, possible, signing_keys
from postvak.send.sender import CannotAnswer, Sender

NAMES = {CryptoKey.Kind.SMIME.value: "S/MIME", CryptoKey.Kind.PGP.value: "OpenPGP"}


class CannotBeProtected(CannotAnswer):
    """Signing (`field` sign) or encrypting (encrypt) is demanded and impossible. `missing`: whose keys are."""

    def __init__(self, field: str, text: str, missing: Sequence[str] = ()) -> None:
        super().__init__(field, text)
        self.missing = tuple(missing)


class Want(IntEnum):
    NO = 0
    POSSIBLE = 1
    MUST = 2


@dataclass(frozen=True, slots=True)
class Policy:
    """What is set up for a mail: values of models.Sign and models.Encrypt."""

    sign: str = Sign.NO
    encrypt: str = Encrypt.NEVER


@dataclass(frozen=True, slots=True)
class Wish:
    """What whoever sends it chose, null: as usual. `about_encrypted`: it continues a mail that was encrypted, so this one is,
    too, unless an agent says no."""

    sign: bool | None = None
    encrypt: bool | None = None
    about_encrypted: bool = False


NO_WISH = Wish()


@dataclass(frozen=True, slots=True)
class Wanted:
    sign: Want
    encrypt: Want


def policy_of(queue: Queue, address: Address | None, rule: Rule | None = None) -> Policy:
    """The narrowest one that says something: rule, address, queue."""
    owners = [one for one in (rule, address, queue) if one is not None]
    return Policy(
        next((one.sign for one in owners if one.sign), Sign.NO),
        next((one.encrypt for one in owners if one.encrypt), Encrypt.NEVER),
    )


def wanted_of(policy: Policy, wish: Wish) -> Wanted:
    """Nobody switches off what is set up as "always"."""
    sign = {Sign.ALWAYS: Want.MUST, Sign.POSSIBLE: Want.POSSIBLE}.get(Sign(policy.sign), Want.NO)
    encrypt = {Encrypt.ALWAYS: Want.MUST, Encrypt.POSSIBLE: Want.POSSIBLE}.get(Encrypt(policy.encrypt), Want.NO)
    if wish.about_encrypted:
        encrypt = max(encrypt, Want.MUST if wish.encrypt is None else encrypt)
    return Wanted(chosen(sign, wish.sign), chosen(encrypt, wish.encrypt))


def chosen(usual: Want, choice: bool | None) -> Want:
    if choice is None or usual is Want.MUST:
        return usual
    return Want.MUST if choice else Want.NO


def plan(
    sender: Sender, recipients: Sequence[str], policy: Policy, wish: Wish = NO_WISH, *, now: datetime | None = None
) -> Protection | None:
    """None: it goes as it is. Raises CannotBeProtected."""
    wanted, now = wanted_of(policy, wish), now or timezone.now()
    if wanted == Wanted(Want.NO, Want.NO):
        return None
    if not carries(sender.channel):
        check_channel(sender, wanted)
        return None
    options = Options.objects.get()
    signers = {kind: key.pk for kind, key in signing_keys(sender.address, now).items()} if wanted.sign else {}
    order = [options.first_kind, *(kind for kind in KINDS if kind != options.first_kind)]
    found = encrypted(recipients, wanted, signers, order, now) if wanted.encrypt else None
    if found is None and wanted.sign:
        found = signed(sender, wanted, signers, order)
    return found and replace(found, hides_subject=found.encrypt and found.kind == "pgp" and options.hides_subject)


def check_channel(sender: Sender, wanted: Wanted) -> None:
    """What is only wished for "when possible" isn't possible there. Raises CannotBeProtected."""
    if Want.MUST in (wanted.sign, wanted.encrypt):
        field = "encrypt" if wanted.encrypt is Want.MUST else "sign"
        text = _(
            "This mail must be signed or encrypted, and the sending channel %(channel)s builds each mail anew, which would break that. "
            "Choose an address that sends by another channel."
        )
        raise CannotBeProtected(field, text % {"channel": sender.channel})


def encrypted(
    recipients: Sequence[str], wanted: Wanted, signers: Mapping[str, int], order: Sequence[str], now: datetime
) -> Protection | None:
    """In the first kind that everybody can read; rather in one in which it can be signed, too."""
    abilities = possible(recipients, now)
    kinds = [kind for kind in order if abilities and all(kind in one.keys for one in abilities)]
    if not kinds:
        if wanted.encrypt is Want.MUST:
            raise CannotBeProtected(
                "encrypt", why_not_encrypted(abilities), [one.email for one in abilities if not one.keys]
            )
        return None
    if wanted.sign:
        kinds.sort(key=lambda kind: kind not in signers)
    kind = kinds[0]
    if wanted.sign is Want.MUST and kind not in signers:
        if wanted.encrypt is Want.POSSIBLE:
            return None
        text = _(
            "This mail must be signed, and the sending address has no valid %(kind)s key for signing that fits the encryption."
        )
        raise CannotBeProtected("sign", text % {"kind": NAMES[kind]})
    return Protection(kind, signers.get(kind), encrypt=True)


def signed(sender: Sender, wanted: Wanted, signers: Mapping[str, int], order: Sequence[str]) -> Protection | None:
    kind = next((kind for kind in order if kind in signers), None)
    if kind is not None:
        return Protection(kind, signers[kind])
    if wanted.sign is Want.MUST:
        text = _("This mail must be signed, and %(address)s has no valid certificate or key for signing.")
        raise CannotBeProtected("sign", text % {"address": sender.address.email}, [sender.address.email])
    return None


def why_not_encrypted(abilities: Sequence[Ability]) -> str:
    """Whole sentences, one for each who lacks a key."""
    lacking = [one for one in abilities if not one.keys]
    first = _("This mail must be encrypted, so it was not sent.")
    if not lacking:
        text = _(
            "The recipients have no kind of key in common: some can only read S/MIME, others only OpenPGP. Write two mails."
        )
        return f"{first} {text}"
    return " ".join([first, *(sentence(one) for one in lacking)])


def sentence(ability: Ability) -> str:
    """Why nothing can be encrypted to the recipient."""
    texts = {
        Why.none: _("There is no certificate or key of %(address)s."),
        Why.unfit: _("The certificate or key of %(address)s is not made for encrypting."),
        Why.not_yet: _("The certificate or key of %(address)s is not valid yet."),
        Why.expired: _("The certificate or key of %(address)s has expired."),
        Why.revoked: _("The certificate or key of %(address)s was revoked."),
    }
    return texts[ability.worst] % {"address": ability.email}
