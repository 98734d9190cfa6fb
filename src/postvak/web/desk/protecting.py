"""The composer's two switches, sign and encrypt: what is usual, what is demanded, and what is possible for each recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.mail.addresses import is_valid_recipient
from postvak.models import Agent, CryptoKey, Encrypt, Message, Queue, Sign
from postvak.models.draft import Draft
from postvak.send.protect import NAMES, Want, Wanted, Wish, policy_of, sentence, wanted_of
from postvak.send.protection import Ability, carries, is_encrypted, possible, signing_keys
from postvak.send.sender import CannotAnswer, Sender, sender_for, sender_of
from postvak.web.desk.found import named
from postvak.web.desk.writing import Desk, about_of, address_of, addresses, choice_in, kind_of, queue_of
from postvak.web.pages import render
from postvak.web.session import agent_of

SHOWN = 6  # recipients with a line of their own


@dataclass(frozen=True, slots=True)
class Switch:
    """`usual`: as it stands until the agent touches it; `is_on`: as it stands; `is_locked`: it is demanded."""

    name: str
    usual: bool
    is_on: bool
    is_locked: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Of one recipient, or of the whole mail: a sentence, and how it sounds ("", good, alert)."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Guards:
    switches: tuple[Switch, ...]
    lines: tuple[Line, ...] = ()
    lacks_key: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What the switches depend on."""

    sender: Sender
    queue: Queue
    recipients: Sequence[str]
    about: Message | None
    sign: bool | None = None
    encrypt: bool | None = None


@require_POST
def guards(request: HttpRequest) -> HttpResponse:
    """The switches anew, for what stands in the form; empty where there is nothing to switch."""
    agent = agent_of(request)
    desk = Desk(agent, named(request.POST.get("ticket", ""), agent))
    return render(request, "desk/_guards.html", {"guards": guards_in(request.POST, desk)})


def guards_in(data: QueryDict, desk: Desk) -> Guards | None:
    choice, queue = address_of(data, desk.agent), queue_of(data, desk.agent)
    try:
        if desk.ticket is not None:
            queue, sender = desk.ticket.queue, sender_for(desk.ticket, agent=desk.agent, choice=choice)
        elif queue is not None:
            sender = sender_of(queue, agent=desk.agent, choice=choice)
        else:
            return None
    except CannotAnswer:
        return None
    typed = [one for field in ("to", "cc", "bcc") for one in addresses(data.get(field, "")) if is_valid_recipient(one)]
    about = about_of(data, desk) if kind_of(data, desk) != Draft.Kind.NEW else None
    return guards_of(Letter(sender, queue, typed, about, choice_in(data, "sign"), choice_in(data, "encrypt")))


def first_guards(
    queue: Queue | None,
    sender: Sender | None,
    draft: dict[str, Any],
    about: Message | None,
    saved: Draft | None,
    agent: Agent,
) -> Guards | None:
    """As the page opens."""
    if queue is None or sender is None:
        return None
    typed = [
        one for field in ("to", "cc", "bcc") for one in addresses(draft.get(field) or "") if is_valid_recipient(one)
    ]
    sign, encrypt = (saved.sign, saved.encrypt) if saved else (None, None)
    if saved and saved.address_id and saved.address_id != sender.address.pk:
        try:
            sender = sender_of(queue, agent=agent, choice=saved.address)
        except CannotAnswer:
            return None
    return guards_of(Letter(sender, queue, typed, about, sign, encrypt))


def guards_of(letter: Letter) -> Guards | None:
    """Null: nobody here signs or encrypts anything, and nothing is demanded."""
    now, is_secret = timezone.now(), is_encrypted(letter.about)
    policy = policy_of(letter.queue, letter.sender.address)
    wanted = wanted_of(policy, Wish(about_encrypted=is_secret))
    signers = signing_keys(letter.sender.address, now)
    if not (signers or is_secret or wanted != Wanted(Want.NO, Want.NO) or CryptoKey.objects.exists()):
        return None
    abilities = possible(letter.recipients, now)
    kinds = [kind for kind in NAMES if abilities and all(kind in one.keys for one in abilities)]
    demands_sign, demands_encrypt = policy.sign == Sign.ALWAYS, policy.encrypt == Encrypt.ALWAYS
    sign = switch("sign", wanted.sign, letter.sign, is_possible=bool(signers), is_locked=demands_sign)
    encrypt = switch("encrypt", wanted.encrypt, letter.encrypt, is_possible=bool(kinds), is_locked=demands_encrypt)
    lines = [*of_sign(sign, letter, bool(signers)), *of_encrypt(encrypt, abilities, kinds, is_secret=is_secret)]
    lacks = encrypt.is_on and any(not one.keys for one in abilities)
    return Guards((sign, encrypt), tuple(lines), lacks or (sign.is_on and not signers))


def switch(name: str, want: Want, choice: bool | None, *, is_possible: bool, is_locked: bool) -> Switch:
    usual = want is Want.MUST or (want is Want.POSSIBLE and is_possible)
    is_chosen = choice is not None and not is_locked
    return Switch(name, usual, bool(choice) if is_chosen else usual, is_locked=is_locked)


def of_sign(sign: Switch, letter: Letter, is_possible: bool) -> list[Line]:
    if not sign.is_on:
        return []
    if not carries(letter.sender.channel):
        text = _("The sending channel %(channel)s builds each mail anew, so nothing can be signed or encrypted.")
        return [Line(text % {"channel": letter.sender.channel}, "alert")]
    if is_possible:
        return []
    text = _("There is no valid certificate or key to sign with for %(address)s.")
    return [Line(text % {"address": letter.sender.address.email}, "alert")]


def of_encrypt(encrypt: Switch, abilities: Sequence[Ability], kinds: Sequence[str], *, is_secret: bool) -> list[Line]:
    if not encrypt.is_on:
        return (
            [Line(_("The mail that you answer was encrypted. Nothing of it is quoted in this answer."), "alert")]
            if is_secret
            else []
        )
    lacking = [Line(sentence(one), "alert") for one in abilities if not one.keys][:SHOWN]
    if lacking or not abilities:
        return [*(Line(can_read(one), "good") for one in abilities[:SHOWN] if one.keys), *lacking]
    if kinds:
        return [Line(can_read(one), "good") for one in abilities[:SHOWN]]
    text = _(
        "The recipients have no kind of key in common: some can only read S/MIME, others only OpenPGP. Write two mails."
    )
    return [*(Line(can_read(one), "good") for one in abilities[:SHOWN]), Line(text, "alert")]


def can_read(ability: Ability) -> str:
    values = {"address": ability.email, "kinds": ", ".join(NAMES[kind] for kind in NAMES if kind in ability.keys)}
    return _("%(address)s can read it (%(kinds)s).") % values
