"""Situation: what the conditions of a rule look at, whatever happened. Pure values; who makes them reads the database. Spec 06."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of a ticket at the moment when something happens to it. Names as people see them, "" for none.

    `local_time`: the moment on the clock of the installation. `is_business`: by key of a calendar, is it within its hours?
    None stands for the first calendar. `status`: key; `priority`: level. `mail_…`: of the message that it is about, empty
    when there is none; `text` is the new text without quotation. `mailbox` and `address`: by which the mail came.
    """

    trigger: str
    local_time: datetime
    number: str = ""
    subject: str = ""
    queue: str = ""
    brand: str = ""
    status: str = ""
    status_type: str = ""
    priority: int = 0
    type: str = ""
    tags: tuple[str, ...] = ()
    assignee: str = ""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_private: bool = False
    is_spam: bool = False
    customer_name: str = ""
    customer_email: str = ""
    customer_language: str = ""
    organisation: str = ""
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()
    mail_subject: str = ""
    mail_text: str = ""
    mail_kind: str = ""
    mail_language: str = ""
    attachments: tuple[str, ...] = ()
    mailbox: str = ""
    address: str = ""
    is_business: Mapping[int | None, bool] = field(default_factory=dict)
