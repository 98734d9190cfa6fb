"""The placeholders as people meet them beside an editor: what each stands for, and an example."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

# Name of the placeholder -> what it stands for, example.
PLACEHOLDERS: Mapping[str, tuple[str | Promise, str | Promise]] = {
    "customer.name": (gettext_lazy("name of the customer"), "Ann Archer"),
    "customer.first_name": (gettext_lazy("the customer's first name"), "Ann"),
    "customer.email": (gettext_lazy("the customer's e-mail address"), "ann@customer.example"),
    "customer.organisation": (gettext_lazy("the customer's organisation"), "Archer & Sons"),
    "ticket.number": (gettext_lazy("number of the ticket"), "2026112100017"),
    "ticket.subject": (gettext_lazy("subject of the ticket"), gettext_lazy("The lamp flickers")),
    "ticket.queue": (gettext_lazy("queue of the ticket"), gettext_lazy("Customer service")),
    "ticket.created": (gettext_lazy("day on which the ticket began"), gettext_lazy("November 21, 2026")),
    "ticket.rating_link": (
        gettext_lazy("page on which the customer rates your help; nothing without POSTVAK_URL"),
        "https://desk.example.org/rating/…",
    ),
    "message.subject": (gettext_lazy("subject of the mail that is answered"), gettext_lazy("The lamp flickers")),
    "message.date": (gettext_lazy("day of the mail that is answered"), gettext_lazy("November 21, 2026")),
    "message.quote": (
        gettext_lazy("what the customer wrote"),
        gettext_lazy("Hello, my lamp flickers since yesterday."),
    ),
    "agent.name": (gettext_lazy("name of the agent"), "Bob Baker"),
    "agent.first_name": (gettext_lazy("the agent's first name"), "Bob"),
    "agent.email": (gettext_lazy("the agent's e-mail address"), "bob@example.org"),
    "brand.name": (gettext_lazy("name of the brand"), "Example Ltd"),
    "address.name": (gettext_lazy("name of the sending address"), "Example Support"),
    "address.email": (gettext_lazy("the sending address"), "support@example.org"),
    "today": (gettext_lazy("today's date"), gettext_lazy("November 22, 2026")),
}


def examples() -> dict[str, str]:
    return {name: str(example) for name, (_meaning, example) in PLACEHOLDERS.items()}
