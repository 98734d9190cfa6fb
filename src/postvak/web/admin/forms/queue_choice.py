"""Queues to choose from: in the order of their tree, each with its path as people read it."""

from typing import cast

from django import forms
from django.db.models import QuerySet

from postvak.models import Queue
from postvak.tickets.queue_tree import path_column, path_of


def queues_as_tree(field: forms.Field, rows: QuerySet[Queue]) -> None:
    """Offer `rows` in a field that holds one queue or several."""
    choice = cast(forms.ModelChoiceField, field)  # type: ignore[type-arg]
    choice.label_from_instance = label_of  # type: ignore[method-assign, assignment]
    choice.queryset = rows.annotate(path=path_column()).order_by("path")


def label_of(queue: Queue) -> str:
    return path_of(queue.name)
