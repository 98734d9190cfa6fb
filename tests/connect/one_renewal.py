"""A process of its own for the test that kills it: `make URL ID SECRET` an expired grant, then `renew` its token."""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from postvak.connect.tokens import access_token  # noqa: E402
from postvak.crypto.sealing import seal  # noqa: E402
from postvak.models import Grant  # noqa: E402
from postvak.net.connection import ConnectionProblem  # noqa: E402
from postvak.worker.identity import free_claims_of_the_dead  # noqa: E402


def make(url: str, client_id: str, secret: str) -> None:
    call_command("migrate", verbosity=0)
    sealed = seal("the first", settings.CONFIGURATION.sealing_keys)
    grant = Grant(name="Ann's", provider="microsoft", client_id=client_id, sealed_refresh_token=sealed)
    grant.client_secret = secret
    grant.endpoints = {"token": f"{url}/token"}
    grant.save()
    print("made")


def renew() -> None:
    free_claims_of_the_dead()
    try:
        print(access_token(Grant.objects.get()))
    except ConnectionProblem as problem:
        print(problem.problem, problem.said)


{"make": make, "renew": renew}[sys.argv[1]](*sys.argv[2:])
