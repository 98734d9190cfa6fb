"""The preview of a brand, an address or an agent's signature: a whole mail with what is typed now, nothing saved.

It is filled from a real ticket, or from example people; who previews is the agent that writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext

from postvak.models import Address, Agent, Brand, Customer, Look, Message, Organisation, Queue, Ticket, Wording
from postvak.notify.body import Body, Dress, put_together, spoken
from postvak.notify.look import logo_file, logo_of, look_of
from postvak.notify.setting import Setting, language_for
from postvak.notify.words import Words, rows_of, salutation
from postvak.send.letter import newest_mail
from postvak.tickets.access import visible_queues, visible_tickets
from postvak.web.mail_preview import preview_page
from postvak.web.session import agent_of
from postvak.web.wording_fields import LANGUAGES, WordingFields

Part = Wording.Part
EVERY = (Part.SALUTATION, Part.SIGNATURE, Part.FOOTER)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form. `level`: whose `rows` (unsaved) take the place of those that are stored: "brand",
    "queue", "address" or "agent". `look` counts for a brand only; `logo`: (bytes, type) of one that was just chosen."""

    level: str
    rows: Sequence[Wording]
    brand: Brand
    address: Address | None = None
    queue: Queue | None = None
    look: Look | None = None
    logo: tuple[bytes, str] | None = None


def preview_of(request: HttpRequest, typed: Typed) -> HttpResponse:
    """The page for the frame; `preview_view`, `preview_language` and `preview_ticket` in the form say how."""
    agent = agent_of(request)
    number = request.POST.get("preview_ticket", "").strip().lstrip("#")
    tickets = visible_tickets(agent).select_related("queue__brand", "customer__organisation")
    ticket = tickets.filter(number=number).first() if number else None
    setting, quoted = setting_on(ticket, typed, agent) if ticket else example(typed, agent)
    wanted = request.POST.get("preview_language", "")
    if wanted in LANGUAGES:
        setting = replace(setting, language=wanted)
    body = body_typed(setting, typed, quoted)
    note = gettext("There is no ticket %(number)s. These are example values.") % {"number": number}
    is_missing = bool(number) and ticket is None
    return preview_page(request, body, view=request.POST.get("preview_view", ""), note=note if is_missing else "")


def body_typed(setting: Setting, typed: Typed, quoted: Message | None) -> Body:
    stored = rows_of(setting, *EVERY)
    rows = [*typed.rows, *(row for row in stored if getattr(row, f"{typed.level}_id") is None)]
    look = typed.look if typed.level == "brand" else look_of(setting.brand)
    domain = setting.address.email.rpartition("@")[2]
    logo = logo_file(*typed.logo, domain) if typed.logo and look else logo_of(look, domain)
    with translation.override(spoken(setting)):
        text = gettext("thank you for your mail. We will send you a new dimmer today, free of charge.\n\nIs there anything else that we can do for you?")  # fmt: skip
    greeting = salutation(setting, rows)
    words = Words(f"{greeting.text}\n\n{text}" if greeting else text)
    if greeting.html:
        words = Words(words.text, f"{greeting.html}\n{Words(text).as_html}")
    return put_together(words, setting, Dress(look, logo, rows), quoted=quoted)


def setting_on(ticket: Ticket, typed: Typed, agent: Agent) -> tuple[Setting, Message | None]:
    """That ticket, with the brand or address that is edited."""
    address = typed.address or ticket.reply_address or ticket.queue.address or address_for(typed.brand)
    setting = Setting(typed.brand, address, agent, ticket, ticket.customer, language_for(ticket), typed.queue)
    return setting, newest_mail(ticket)


def example(typed: Typed, agent: Agent) -> tuple[Setting, Message]:
    """Ann Archer and her lamp, none of which is stored."""
    address = typed.address or address_for(typed.brand)
    with translation.override(typed.brand.language):
        now, subject = timezone.now(), gettext("The lamp flickers")
        text = gettext("Hello,\n\nmy lamp flickers since I replaced the dimmer. What can I do?\n\nAnn Archer")
        queue = typed.queue or Queue(name=gettext("Customer service"), brand=typed.brand)
    customer = Customer(name="Ann Archer", organisation=Organisation(name="Archer & Sons"))
    ticket = Ticket(number="2026112100017", subject=subject, queue=queue, customer=customer, created_at=now)
    mail = Message(kind="incoming", author_name="Ann Archer", created_at=now, subject=subject, text=text)
    return Setting(typed.brand, address, agent, ticket, customer, typed.brand.language), mail


def address_for(brand: Brand) -> Address:
    """One by which the brand sends."""
    found = Address.objects.filter(queue__brand=brand.pk, is_valid=True).first() if brand.pk else None
    return found or Address(email="support@example.org", display_name=brand.name)


def brand_for(agent: Agent) -> Brand:
    """The brand that an agent mostly writes for: that of the first queue he sees."""
    queue = visible_queues(agent).select_related("brand").first()
    return queue.brand if queue else Brand.objects.order_by("pk").first() or Brand(name="Postvak")


def languages_of(wordings: WordingFields) -> Mapping[str, str]:
    """In which one may want to see the mail: ours, and those of the texts."""
    codes = [*(code for code, _name in settings.LANGUAGES), *(variant.language for variant in wordings)]
    return {code: LANGUAGES[code] for code in dict.fromkeys(codes) if code in LANGUAGES}
