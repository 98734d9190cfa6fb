"""What the shipped rules of the message centre are called and say. Whole texts, so that they can be translated as such; a
blank line begins a paragraph. A line that names something of which nothing is known is left out (mail.placeholders)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Shipped:
    """`subject`: "" for that of the ticket. `text`: "" where Postvak writes the mail itself (alarms)."""

    name: Text
    subject: Text = ""
    text: Text = ""


TO_CUSTOMERS: Mapping[str, Shipped] = {
    "confirmation": Shipped(
        _("Confirmation of a new ticket"),
        text=_(
            "{{ salutation }}\n\nthank you for your mail. It has reached us, and we will answer as soon as we can.\n\n"
            "Your request has the number {{ ticket.number }}. If you want to add something, simply answer this mail."
        ),
    ),
    "out-of-hours": Shipped(
        _("Answer outside business hours"),
        text=_(
            "{{ salutation }}\n\nthank you for your mail. At the moment nobody is at work here. We will answer when we are "
            "back.\n\nYour request has the number {{ ticket.number }}. If you want to add something, simply answer this mail."
        ),
    ),
    "follow-up-confirmation": Shipped(
        _("Confirmation of a further mail"),
        text=_(
            "{{ salutation }}\n\nthank you, we have added your mail to your request {{ ticket.number }}. We will answer as soon "
            "as we can."
        ),
    ),
    "rejected": Shipped(
        _("A mail on a closed ticket is not taken up"),
        text=_(
            "{{ salutation }}\n\nthank you for your mail “{{ message.subject or 'without a subject' }}”. The request "
            "{{ ticket.number }} that it belongs to is closed, so we could not take your mail up, and nobody will answer it.\n\n"
            "Do you still need help? Please write a new mail to {{ address.email }}, with a subject of its own."
        ),
    ),
    "new-instead": Shipped(
        _("New ticket instead of a closed one"),
        text=_(
            "{{ salutation }}\n\nthank you for your mail. The request that it belongs to is closed, so we have opened a new one "
            "for you, with the number {{ ticket.number }}. We will answer as soon as we can.\n\nIf you want to add something, "
            "simply answer this mail."
        ),
    ),
    "closed": Shipped(
        _("Ticket closed"),
        text=_(
            "{{ salutation }}\n\nwe have closed your request {{ ticket.number }}.\n\nIs something still open? Simply answer this "
            "mail, and we will look at it again."
        ),
    ),
    "reopened": Shipped(
        _("Ticket opened again"),
        text=_(
            "{{ salutation }}\n\nwe have opened your request {{ ticket.number }} again and will write to you as soon as there is "
            "news."
        ),
    ),
    "satisfaction": Shipped(
        _("Question how satisfied the customer is"),
        text=_(
            "{{ salutation }}\n\nwe have closed your request {{ ticket.number }}. Were you satisfied with our help? It takes you "
            "one click to tell us, and it helps us to become better.\n\n{{ ticket.rating_link }}\n\nThank you very much."
        ),
    ),
    "we-wait": Shipped(
        _("Reminder: we wait for the customer's answer"),
        text=_(
            "{{ salutation }}\n\nwe have not heard from you about your request {{ ticket.number }}. To go on, we need your "
            "answer.\n\nIf everything is solved, you need not do anything."
        ),
    ),
    "ageing": Shipped(
        _("Close tickets that the customer doesn't answer"),
        text=_(
            "{{ salutation }}\n\nas we have not heard from you, we have closed your request {{ ticket.number }}.\n\nDo you still "
            "need help? Simply answer this mail, and we will go on."
        ),
    ),
}

TO_AGENTS: Mapping[str, Shipped] = {
    "opened": Shipped(
        _("New ticket in my queue"),
        _("New: {{ ticket.subject or 'without a subject' }}"),
        _(
            "There is a new ticket in the queue “{{ ticket.queue }}”.\n\nFrom: {{ event.author }}\n\n{{ message.beginning }}\n\n"
            "{{ ticket.link }}"
        ),
    ),
    "answered": Shipped(
        _("A customer writes on my ticket"),
        _("{{ event.author or 'The customer' }} wrote: {{ ticket.subject or 'without a subject' }}"),
        _("{{ event.author or 'The customer' }} wrote on your ticket.\n\n{{ message.beginning }}\n\n{{ ticket.link }}"),
    ),
    "assigned": Shipped(
        _("A ticket is assigned to me"),
        _("For you: {{ ticket.subject or 'without a subject' }}"),
        _(
            "This ticket is yours now.\n\nAssigned by: {{ event.author }}\n\nCustomer: {{ customer.name }}\n\n"
            "{{ message.beginning }}\n\n{{ ticket.link }}"
        ),
    ),
    "mentioned": Shipped(
        _("Somebody mentions me"),
        _("{{ event.author or 'A colleague' }} mentions you: {{ ticket.subject or 'without a subject' }}"),
        _(
            "{{ event.author or 'A colleague' }} mentions you in a note.\n\n{{ message.beginning }}\n\n"
            "If you answer this mail, your words go to the ticket.\n\n{{ ticket.link }}"
        ),
    ),
    "noted": Shipped(
        _("A colleague writes a note on my ticket"),
        _("Note of {{ event.author or 'a colleague' }}: {{ ticket.subject or 'without a subject' }}"),
        _(
            "{{ event.author or 'A colleague' }} wrote a note on a ticket of yours.\n\n{{ message.beginning }}\n\n"
            "{{ ticket.link }}"
        ),
    ),
    "undelivered": Shipped(
        _("A mail could not be delivered"),
        _("Not delivered: {{ ticket.subject or 'without a subject' }}"),
        _(
            "A mail of ours did not reach everybody whom it is for. On the ticket you see why, and what you can do.\n\n"
            "{{ message.beginning }}\n\n{{ ticket.link }}"
        ),
    ),
    "status-changed": Shipped(
        _("The status of my ticket changes"),
        _("{{ ticket.status }}: {{ ticket.subject or 'without a subject' }}"),
        _(
            "The status of the ticket is “{{ ticket.status }}” now.\n\n{{ event.change }}\n\nBy: {{ event.author }}\n\n"
            "{{ ticket.link }}"
        ),
    ),
    "queue-changed": Shipped(
        _("A ticket comes into my queue"),
        _("Now in {{ ticket.queue }}: {{ ticket.subject or 'without a subject' }}"),
        _(
            "A ticket came into the queue “{{ ticket.queue }}”.\n\n{{ event.change }}\n\nBy: {{ event.author }}\n\n"
            "{{ ticket.link }}"
        ),
    ),
    "priority-changed": Shipped(
        _("The priority of my ticket changes"),
        _("Priority {{ ticket.priority }}: {{ ticket.subject or 'without a subject' }}"),
        _(
            "The priority of the ticket is “{{ ticket.priority }}” now.\n\n{{ event.change }}\n\nBy: {{ event.author }}\n\n"
            "{{ ticket.link }}"
        ),
    ),
    "pending": Shipped(
        _("A reminder is due"),
        _("Reminder: {{ ticket.subject or 'without a subject' }}"),
        _(
            "You wanted to be reminded of this ticket today.\n\nCustomer: {{ customer.name }}\n\nStatus: {{ ticket.status }}\n\n"
            "{{ ticket.link }}"
        ),
    ),
    "due-near": Shipped(
        _("An answer is due soon"),
        _("Due soon: {{ ticket.subject or 'without a subject' }}"),
        _(
            "This ticket has to be answered by {{ ticket.due or 'soon' }}.\n\nCustomer: {{ customer.name }}\n\n"
            "The customer has been waiting since {{ ticket.waiting_since }}.\n\n{{ ticket.link }}"
        ),
    ),
    "late": Shipped(
        _("An answer is late"),
        _("Late: {{ ticket.subject or 'without a subject' }}"),
        _(
            "This ticket is late.\n\nIt should have been answered by {{ ticket.due }}.\n\nCustomer: {{ customer.name }}\n\n"
            "The customer has been waiting since {{ ticket.waiting_since }}.\n\n{{ ticket.link }}"
        ),
    ),
    "unanswered": Shipped(
        _("A customer waits for an answer"),
        _("Still unanswered: {{ ticket.subject or 'without a subject' }}"),
        _(
            "Nobody has answered this customer yet.\n\nCustomer: {{ customer.name }}\n\n"
            "The customer has been waiting since {{ ticket.waiting_since }}.\n\n{{ ticket.link }}"
        ),
    ),
    "unassigned": Shipped(
        _("Nobody has taken a ticket"),
        _("Nobody has taken it: {{ ticket.subject or 'without a subject' }}"),
        _(
            "Nobody has taken this ticket in the queue “{{ ticket.queue }}” yet.\n\nCustomer: {{ customer.name }}\n\n"
            "The customer has been waiting since {{ ticket.waiting_since }}.\n\n{{ ticket.link }}"
        ),
    ),
    "account": Shipped(_("A mailbox or channel is broken")),
    "certificate": Shipped(_("A certificate expires")),
    "digest": Shipped(
        _("Daily digest"),
        _("Your tickets today"),
        _("Hello {{ reader.first_name or 'colleague' }},\n\nthis is what there is to do and what is new."),
    ),
}

SHIPPED: Mapping[str, Shipped] = {**TO_CUSTOMERS, **TO_AGENTS}
