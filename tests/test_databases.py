"""How the databases are reached that the configuration names: how long we wait for each, and what must be installed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.db import router
from pytest_django import Settings

from postvak.cli import serving
from postvak.configuration import ConfigurationError, Database, Replica
from postvak.models import Agent
from postvak.models.replica import inside
from postvak.settings import all_databases
from postvak.web import server
from postvak.web.frame import frame_of


@pytest.mark.parametrize(("given", "waits"), [((), 3), ((("connect_timeout", "8"),), "8")])
def test_a_replica_is_waited_for_shortly_unless_somebody_says_otherwise(
    settings: Settings, given: tuple[tuple[str, str], ...], waits: object
) -> None:
    copy = Replica(Database("postgresql", "post", "db2", options=given))
    found = all_databases(replace(settings.CONFIGURATION, database=Database("postgresql", "post", "db"), replica=copy))
    assert found["replica"]["OPTIONS"]["connect_timeout"] == waits
    assert found["default"]["OPTIONS"]["connect_timeout"] == 10


def test_pages_wait_less_for_the_pool_of_a_replica(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    main, copy = Database("postgresql", "post", "db"), Replica(Database("postgresql", "post", "db2"))
    found = all_databases(replace(settings.CONFIGURATION, database=main, replica=copy))
    monkeypatch.setattr(server, "connections", SimpleNamespace(settings=found))
    server.pool_connections()
    assert {alias: one["OPTIONS"]["pool"]["timeout"] for alias, one in found.items()} == {"default": 10, "replica": 3}


def test_without_its_pool_the_web_server_does_not_start_on_postgresql(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = settings.CONFIGURATION
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    settings.CONFIGURATION = replace(plain, database=Database("sqlite3", "post"))
    serving.check_pool()
    settings.CONFIGURATION = replace(plain, database=Database("postgresql", "post"))
    with pytest.raises(ConfigurationError, match=r"pip install 'postvak\[postgresql\]'"):
        serving.serve("127.0.0.1", 0)


@pytest.mark.django_db
def test_what_stands_around_a_stale_page_is_not_stale(settings: Settings, bob: Agent) -> None:
    settings.DATABASE_ROUTERS = ["postvak.models.replica.Router"]  # there is no replica here: whoever asks it fails
    with inside():
        assert router.db_for_read(Agent) == "replica"
        assert frame_of(bob).brand_name
