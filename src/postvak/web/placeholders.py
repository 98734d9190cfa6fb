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
    "ticket.status": (gettext_lazy("status of the ticket"), gettext_lazy("open")),
    "ticket.priority": (gettext_lazy("priority of the ticket"), gettext_lazy("normal")),
    "ticket.assignee": (gettext_lazy("who has the ticket"), "Bob Baker"),
    "ticket.due": (gettext_lazy("until when an answer is due"), gettext_lazy("Nov 22, 2026, 4:00 PM")),
    "ticket.waiting_since": (gettext_lazy("since when the customer waits"), gettext_lazy("Nov 21, 2026, 10:00 AM")),
    "ticket.link": (
        gettext_lazy("page of the ticket, for agents; nothing without POSTVAK_URL"),
        "https://desk.example.org/tickets/2026112100017/",
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

# Besides, in mails that a rule sends.
RULE_PLACEHOLDERS: Mapping[str, tuple[str | Promise, str | Promise]] = {
    "salutation": (gettext_lazy("salutation of the brand or address"), gettext_lazy("Hello Ann Archer,")),
    "message.beginning": (
        gettext_lazy("how the mail or note begins that it is about; for agents only"),
        gettext_lazy("Hello, my lamp flickers since yesterday."),
    ),
    "event.author": (gettext_lazy("who did it"), "Ann Archer"),
    "event.change": (
        gettext_lazy("what changed, as the history says it"),
        gettext_lazy("Status changed from “new” to “open”"),
    ),
    "reader.name": (gettext_lazy("name of the agent who gets the mail"), "Bob Baker"),
    "reader.first_name": (gettext_lazy("that agent's first name"), "Bob"),
    "rule.name": (gettext_lazy("name of the rule"), gettext_lazy("Daily digest")),
}


def examples() -> dict[str, str]:
    return {name: str(example) for name, (_meaning, example) in PLACEHOLDERS.items()}
