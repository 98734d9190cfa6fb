"""Fixtures for all tests. Named people: Ann (customer), Bob (agent), Cas (agent of another queue)."""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from typing import NoReturn

import pytest
from django.conf import settings
from django.test import TransactionTestCase, override_settings
from dns.resolver import NoResolverConfiguration

from postvak.models import Address, Agent, Brand, Channel, Mailbox, Options, Queue, Rule
from postvak.net import answers

pytest_plugins = ["tests.servers.plugin", "tests.clock", "tests.keys.people"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was loaded stays: going through it again and again was a tenth of the time (see tests/__init__.py)."""
    gc.freeze()
    gc.enable()


DECIDING = ("tests/process/", "tests/notify/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what touches the database: the rest is the same there, and what makes databases of its own on both engines
    has done so. What is decided about a mail is the same, too: of tables of cases each fifth."""
    if os.environ.get("POSTVAK_TEST_DATABASE") != "postgresql":
        return
    seen: Counter[str] = Counter()
    kept = []
    for item in items:
        if not touches_database(item) or has_own_database(item):
            continue
        name, is_case, _ = item.nodeid.partition("[")
        seen[name] += 1
        if not is_case or not name.startswith(DECIDING) or seen[name] % 5 == 1:
            kept.append(item)
    config.hook.pytest_deselected(items=list(set(items) - set(kept)))
    items[:] = kept


def touches_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    is_case = issubclass(getattr(item, "cls", None) or object, TransactionTestCase)
    return bool(fixtures) or is_case or item.get_closest_marker("django_db") is not None


def has_own_database(item: pytest.Item) -> bool:
    """Processes that are killed (tests.killing)."""
    return "engine" in getattr(getattr(item, "callspec", None), "params", {})


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 is slow on purpose; tests that are not about it need not wait."""
    quick = "django.contrib.auth.hashers.MD5PasswordHasher"
    with override_settings(PASSWORD_HASHERS=[quick, *settings.PASSWORD_HASHERS]):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_name_servers() -> Iterator[None]:
    """Nobody is asked who sent a mail, unless a test brings a name server of its own."""

    def nobody() -> NoReturn:
        raise NoResolverConfiguration

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "system_resolver", nobody)
        yield


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.get()


@pytest.fixture
def support(brand: Brand) -> Queue:
    """Queue for support@example.org; the shipped default queue is another one."""
    queue = Queue.objects.create(name="Support", brand=brand, colour="sea")
    queue.address = Address.objects.create(email="support@example.org", display_name="Example Support", queue=queue)
    queue.save()
    return queue


@pytest.fixture
def sales(brand: Brand) -> Queue:
    queue = Queue.objects.create(name="Sales", brand=brand, colour="ochre")
    queue.address = Address.objects.create(email="sales@example.org", queue=queue)
    queue.save()
    return queue


@pytest.fixture
def channel(db: None) -> Channel:
    return Channel.objects.create(name="Files", kind=Channel.Kind.FILE, is_default=True)


@pytest.fixture
def mailbox(db: None) -> Mailbox:
    return Mailbox.objects.get(kind=Mailbox.Kind.LOCAL)


@pytest.fixture
def bob(support: Queue) -> Agent:
    agent = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob Baker")
    support.members.add(agent)
    return agent


@pytest.fixture
def cas(sales: Queue) -> Agent:
    agent = Agent.objects.create_user("cas@example.org", "correct horse battery", name="Cas de Vries")
    sales.members.add(agent)
    return agent


@pytest.fixture
def admin(db: None) -> Agent:
    return Agent.objects.create_user("eva@example.org", "correct horse battery", name="Eva Admin", is_admin=True)


@pytest.fixture
def no_automatic_mail(db: None) -> None:
    """The message centre is silent, and a sender may write all day, for tests that are about other things."""
    Rule.objects.update(is_on=False)
    Options.objects.update(tickets_per_hour=1_000_000)


@pytest.fixture
def no_confirmation(db: None) -> None:
    """Who writes isn't told that his mail has come; who is rejected is told."""
    Rule.objects.exclude(key="rejected").update(is_on=False)
