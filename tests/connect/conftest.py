"""A provider, a Dovecot that asks it about tokens, an SMTP server that does, and a grant of Ann's account."""

from collections.abc import Callable, Iterator

import pytest

from postvak.models import Grant
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import Provider
from tests.servers.plugin import installed
from tests.servers.smtpd import SmtpServer

NewGrant = Callable[..., Grant]


@pytest.fixture(scope="session")
def oauth_server() -> Iterator[Provider]:
    with Provider.running() as provider:
        yield provider


@pytest.fixture
def provider(oauth_server: Provider) -> Provider:
    oauth_server.reset()
    return oauth_server


@pytest.fixture(scope="session")
def token_dovecot(oauth_server: Provider) -> Iterator[Dovecot]:
    with installed(lambda: Dovecot.running(introspection=f"{oauth_server.url}/introspect")) as server:
        yield server


@pytest.fixture
def token_smtp(provider: Provider) -> Iterator[SmtpServer]:
    with SmtpServer.running(tokens=provider.access_tokens) as server:
        yield server


@pytest.fixture
def new_grant(db: None, provider: Provider) -> NewGrant:
    def make(**given: object) -> Grant:
        settings = {
            "name": "Ann's",
            "provider": "microsoft",
            "client_id": provider.client_id,
            "account": provider.account,
        }
        grant = Grant(**(settings | {"endpoints": provider.endpoints} | given))
        grant.client_secret = provider.client_secret
        grant.save()
        return grant

    return make
