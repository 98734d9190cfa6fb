"""The agent of soak.py: answers, closes and throws away tickets of the installation that the environment names, until SIGTERM.

    python benchmarks/soak_desk.py

Every fifth ticket is answered, every tenth closed, every fiftieth put into the trash. What fails (a database that is locked or gone)
is tried again a moment later, as a person would.
"""

import time

import django

AT_ONCE = 25
PAUSE = 0.5


def main() -> None:
    django.setup()
    from django.db import Error, close_old_connections, connection

    from postvak.models import Agent

    last = 0
    while True:
        close_old_connections()
        try:
            last = work(Agent.objects.get(email="bob@example.org"), last)
        except Error as error:
            print(f"tried again: {error!r}", flush=True)
            connection.close()
        time.sleep(PAUSE)


def work(agent, last: int) -> int:
    """Tickets behind this one; returns the last one seen."""
    from postvak.models import Ticket
    from postvak.tickets.answer import Answer, answer
    from postvak.tickets.trash import move_to_trash

    for ticket in (
        Ticket.objects.filter(pk__gt=last).select_related("status", "queue", "customer").order_by("pk")[:AT_ONCE]
    ):
        email = ticket.customer.addresses.first().email
        if ticket.pk % 50 == 0:
            move_to_trash(ticket, by=agent)
        elif ticket.pk % 5 == 0:
            status = "closed" if ticket.pk % 10 == 0 else "customer"
            answer(
                ticket,
                Answer(to=(email,), text=f"The lamp of {ticket.number} is on its way.", status_key=status),
                by=agent,
            )
        last = ticket.pk
    return last


if __name__ == "__main__":
    main()
