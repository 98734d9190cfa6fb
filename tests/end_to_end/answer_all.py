"""Run with an installation's environment: Bob answers every ticket with the verb that the page calls, too."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Agent, Ticket  # noqa: E402
from postvak.tickets.answer import Answer, answer  # noqa: E402

bob = Agent.objects.get(email="bob@example.org")
for ticket in Ticket.objects.order_by("number"):
    email = ticket.messages.get().author_email
    answer(ticket, Answer(to=(email,), text=f"Dear customer, about {ticket.subject}: done."), by=bob)
