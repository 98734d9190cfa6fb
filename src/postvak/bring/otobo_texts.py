"""OTOBO's templates, signatures and filters as ours. Tags become placeholders; a template with a tag that we don't have comes
switched off. What is here already by its name stays."""

from dataclasses import replace
from html import escape

from postvak.bring.otobo_rows import is_valid, with_placeholders
from postvak.bring.otobo_setup import Setup
from postvak.bring.staging import Record, Staging, number, text
from postvak.bring.trip import Trip
from postvak.bring.values import LeftOut
from postvak.mail.outgoing_html import clean, text_of
from postvak.models import Address, AnswerTemplate, AnswerTemplateText, Filter, Wording
from postvak.process.filters.imports import ChangedMeanwhile, NotUnderstood, Report, Result, import_text, save

FILTER_COLUMNS = ("f_name", "f_stop", "f_type", "f_key", "f_value", "f_not")


def bring_texts(trip: Trip, staging: Staging, setup: Setup) -> None:
    bring_templates(trip, staging, setup)
    bring_signatures(trip, staging, setup)
    bring_filters(trip, staging, setup)


# ---- templates ------------------------------------------------------------


def bring_templates(trip: Trip, staging: Staging, setup: Setup) -> None:
    known = set(AnswerTemplate.objects.values_list("category", "name"))
    queues: dict[int, list[int]] = {}
    for row in staging.rows("queue_standard_template"):
        queue = setup.queues.get(number(row, "queue_id"))
        if queue:
            queues.setdefault(number(row, "standard_template_id"), []).append(queue)
    for row in staging.rows("standard_template", "ORDER BY id"):
        name, kind = text(row, "name").strip()[:100], text(row, "template_type")
        if kind == "ProcessDialog" or not name:
            trip.leave_out(setup.source, [LeftOut("template", name or "?", "not_taken", kind)])
            continue
        category = "" if kind in {"", "Answer"} else kind
        if (category, name) not in known:
            known.add((category, name))
            trip.counts["templates"] += 1
            if not trip.options.is_dry:
                make_template(row, category, name, queues.get(number(row, "id"), []))


def make_template(row: Record, category: str, name: str, queues: list[int]) -> None:
    html, is_odd = as_html(row)
    made = AnswerTemplate.objects.create(name=name, category=category, is_valid=is_valid(row) and not is_odd)
    made.queues.set(queues)
    AnswerTemplateText.objects.create(template=made, html=html)


def as_html(row: Record) -> tuple[str, bool]:
    """Cleaned, with our placeholders; whether a tag is left."""
    written, is_odd = with_placeholders(text(row, "text"))
    if "html" in text(row, "content_type").lower():
        return clean(written), is_odd
    return clean("<br>".join(escape(line) for line in written.splitlines())), is_odd


# ---- signatures ------------------------------------------------------------


def bring_signatures(trip: Trip, staging: Staging, setup: Setup) -> None:
    """Of the address that its queue sends from, where none is written yet."""
    signatures = {number(row, "id"): row for row in staging.rows("signature")}
    has_one = set(Wording.objects.exclude(address=None).values_list("address_id", flat=True))
    seen: set[int] = set()
    for row in staging.rows("queue", "ORDER BY id"):
        address = setup.addresses.get(number(row, "system_address_id"), 0)
        signature = signatures.get(number(row, "signature_id"))
        is_second = address in has_one or number(row, "system_address_id") in seen
        if signature is None or is_second or not text(signature, "text").strip():
            continue
        seen.add(number(row, "system_address_id"))
        html, is_odd = as_html(signature)
        if is_odd:
            trip.leave_out(setup.source, [LeftOut("signature", text(signature, "name") or "?", "settings")])
            continue
        trip.counts["signatures"] += 1
        if address and not trip.options.is_dry and Address.objects.filter(pk=address).exists():
            Wording.objects.create(part=Wording.Part.SIGNATURE, address_id=address, text=text_of(html), html=html)


# ---- filters ------------------------------------------------------------


def bring_filters(trip: Trip, staging: Staging, setup: Setup) -> None:
    """By the import of filters, which says of each what is different (docs/filters.md). They come switched off: a person looks at
    them first."""
    here = set(Filter.objects.values_list("name", flat=True))
    rows = [row for row in staging.rows("postmaster_filter") if text(row, "f_name") and text(row, "f_name") not in here]
    if not rows:
        return
    try:
        report = switched_off(import_text(as_sql(rows).encode()))
        if not trip.options.is_dry:
            save(report, by=None)
    except (NotUnderstood, ChangedMeanwhile) as error:
        trip.leave_out(setup.source, [LeftOut("filter", "postmaster_filter", "broken", str(error))])
        return
    saved = sum(entry.result.is_saved for entry in report.entries)
    trip.counts["filters"] += saved
    if saved:
        trip.hints.add("filters_off")
    refused = [entry for entry in report.entries if entry.result is Result.refused]
    trip.leave_out(setup.source, [LeftOut("filter", one.name, "settings", " ".join(one.faults)) for one in refused])


def switched_off(report: Report) -> Report:
    entries = (
        replace(one, draft=replace(one.draft, valid=False)) if one.draft and one.result.is_saved else one
        for one in report.entries
    )
    return replace(report, entries=tuple(entries))


def as_sql(rows: list[Record]) -> str:
    lines = ["-- PostgreSQL database dump"]
    for row in rows:
        values = ", ".join("'" + text(row, name).replace("'", "''") + "'" for name in FILTER_COLUMNS)
        lines.append(f"INSERT INTO postmaster_filter ({', '.join(FILTER_COLUMNS)}) VALUES ({values});")  # noqa: S608
    return "\n".join(lines)
