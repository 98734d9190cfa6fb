"""No setting is dead: what a form of the administration writes is read by code that does something with it."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django import forms

import postvak
from postvak.web import admin

ROOT = Path(postvak.__file__).parent
WRITERS = ("migrations/", "setup/", "web/admin/", "cli/demo/", "api/settings.py", "api/main.py")
EXCUSED: dict[str, str] = {}  # column: why nothing reads it


def forms_of_the_administration() -> Iterator[type[forms.BaseModelForm]]:
    found: set[type] = set()
    for module in pkgutil.walk_packages(admin.__path__, f"{admin.__name__}."):
        for one in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(one, type)
                and issubclass(one, forms.BaseModelForm)
                and one.__module__.startswith("postvak.web.admin")
            ):
                found.add(one)
    yield from sorted(found, key=lambda one: one.__name__)


def columns_written() -> dict[str, str]:
    """column -> a form that writes it"""
    return {
        name: f"{form.__name__} of {form._meta.model.__name__}"
        for form in forms_of_the_administration()
        if form._meta.model
        for name in form._meta.fields or ()
    }


@cache
def words_read() -> frozenset[str]:
    """Attributes and parts of texts ("queue__is_valid") in all code that isn't a form, a migration or the set-up itself."""
    words: set[str] = set()
    for path in ROOT.rglob("*.py"):
        if not str(path.relative_to(ROOT)).startswith(WRITERS):
            in_models = path.parent.name == "models"
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    words.add(node.attr.removesuffix("_id"))
                elif in_models:
                    continue  # names of its own columns
                elif isinstance(node, ast.keyword) and node.arg:
                    words.update(node.arg.split("__"))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 60:
                    words.update(node.value.replace("-", "").split("__"))
    return frozenset(words)


def test_every_column_that_a_form_writes_is_read() -> None:
    dead = {name: form for name, form in columns_written().items() if name not in words_read() and name not in EXCUSED}
    assert not dead


def test_an_excuse_is_of_a_column_that_a_form_writes() -> None:
    assert {name for name in EXCUSED if name not in columns_written()} == set()
