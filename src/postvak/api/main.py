"""The REST API: all operations together, the addresses they have, its document and the page that shows it. Spec 10."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja.utils import normalize_path, replace_path_param_notation

from postvak import __version__
from postvak.api import (
    account_trials,
    accounts,
    backups,
    bulk,
    changes,
    classification,
    configuration,
    customers,
    drafts,
    explanations,
    filter_imports,
    imports,
    invitations,
    jobs,
    keys,
    keys_waiting,
    ledger,
    logins,
    logs,
    loops,
    me,
    messages,
    organisations,
    outbox,
    privacy,
    programs,
    proposals,
    receipts,
    reports,
    rule_trials,
    sending,
    settings,
    sheets,
    signing,
    ticket_lists,
    ticket_people,
    tickets,
    vocabulary,
    webhooks,
)
from postvak.api.document import document, pages_of
from postvak.api.door import door, refuse, through
from postvak.api.problems import KNOWN, told

__all__ = ["api_urls"]

PARTS = (
    me.router,
    logins.router,
    ticket_lists.router,
    tickets.router,
    bulk.router,
    ticket_people.router,
    proposals.router,
    messages.router,
    sending.router,
    drafts.router,
    customers.router,
    organisations.router,
    sheets.router,
    outbox.router,
    loops.router,
    receipts.router,
    explanations.router,
    ledger.router,
    reports.router,
    vocabulary.router,
    vocabulary.people,
    logins.people,
    invitations.router,
    programs.router,
    logs.router,
    settings.router,
    configuration.router,
    changes.router,
    accounts.router,
    account_trials.router,
    rule_trials.router,
    filter_imports.router,
    classification.router,
    signing.router,
    webhooks.router,
    keys.router,
    keys_waiting.router,
    jobs.router,
    backups.router,
    imports.router,
    privacy.router,
)


class Api(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def set_default_exception_handlers(self) -> None:
        for kind in KNOWN:
            self.add_exception_handler(kind, told)


def made() -> NinjaAPI:
    api = Api(
        title="Postvak",
        version=__version__,
        description="Everything that agents and administrators do, for programs.",
        openapi_url=None,
        docs_url=None,
    )
    for part in PARTS:
        api.add_router("", part)
    return api


api = made()


def addresses(api: NinjaAPI) -> Iterator[URLPattern]:
    for router in api._get_bound_routers():
        for place, paths in router.path_operations.items():
            route = normalize_path(replace_path_param_notation(place)).lstrip("/")
            yield path(f"api/v1/{route}", door(paths), name=f"api-{paths.operations[0].view_func.__name__}")


@cache
def written() -> dict[str, Any]:
    return document(api)


def openapi(request: HttpRequest) -> HttpResponseBase:
    """The document. It is the same everywhere and holds no secret: anybody may read it."""
    text = json.dumps(written(), ensure_ascii=False)
    return through(request, lambda: HttpResponse(text, content_type="application/json"))


def docs(request: HttpRequest) -> HttpResponseBase:
    """The same for people, without a file from elsewhere."""
    return through(request, lambda: HttpResponse(render_to_string("api/docs.html", pages_of(written()))))


for view in (openapi, docs):
    view.is_public = True  # type: ignore[attr-defined]

api_urls = [
    path("api/v1/openapi.json", openapi, name="api-document"),
    path("api/v1/docs", docs, name="api-docs"),
    *addresses(api),
    path("api/<path:rest>", refuse, name="api-nothing"),
]
