"""Prints a token of the API for a new agent who may answer everywhere: `python -m tests.torture.make_token`, in an installation's environment."""

import django


def main() -> None:
    django.setup()
    from postvak.log.audit import By
    from postvak.models import Agent
    from postvak.tickets.programs.scopes import SCOPES
    from postvak.tickets.programs.tokens import Wish, make_token

    bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob", is_admin=True)
    _row, secret = make_token(bob, Wish("Torture", SCOPES, rate=1_000_000), by=By())
    print(secret)


if __name__ == "__main__":
    main()
