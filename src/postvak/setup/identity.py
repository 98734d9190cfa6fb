"""Wordings and looks in the TOML file: `signature = "…"`, or one text per language; `look = { accent = "#0a5c5a", … }`."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone

from postvak.blobs import store
from postvak.mail.outgoing_html import clean
from postvak.models import Brand, Look, Wording
from postvak.notify.look import LARGEST_LOGO, picture_type
from postvak.notify.words import check_wording
from postvak.setup.fields import Base, Field, JsonSchema, SettingError, Value

ALL = "all"  # the text for every language that has none of its own
OLD_AGENT, AGENT = "{agent}", "{{ agent.name }}"
EXPORTED_LOGO = 40_000  # bytes; a larger one stays where it is
PENDING = "_look_to_save"
PLAIN = ("accent", "background", "font", "width", "logo_width", "reply_line", "quotes_history")
LANGUAGE = re.compile(r"[a-z]{2}(?:-[a-z0-9]{2,5})?")
Table = dict[str, Value]


class Wordings(Field):
    """`"text"`, or `{ all = "text", nl = { html = "<p>…</p>" } }`. What the file doesn't name any more goes."""

    schema: JsonSchema = {"type": ["string", "object"]}

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

    def __init__(self, part: Wording.Part) -> None:
        super().__init__(part.value)
        self.part = part

    def read(self, row: Model) -> Value:
        """None where there is nothing; a text alone where there is one plain one."""
        return together(self.rows(row))

    def rows(self, row: Model) -> Mapping[str, Wording]:
        if row.pk is None:
            return {}
        key = {str(row._meta.model_name): row}
        return {one.language: one for one in Wording.objects.filter(part=self.part, **key).order_by("language")}

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        return self.read(row), together(self.by_language(value))

    def by_language(self, value: Value) -> dict[str, Wording]:
        """Language -> unsaved wording. Raises SettingError."""
        table = value if isinstance(value, dict) and not set(value) <= {"text", "html"} else {ALL: value}
        for key in table:
            if key != ALL and not LANGUAGE.fullmatch(key):
                raise SettingError(f"“{key}” is no language; write all, or a code such as nl or pt-br.")
        found = {("" if key == ALL else key): self.wording(one) for key, one in table.items()}
        return {language: one for language, one in found.items() if one.text.strip() or one.html.strip()}

    def wording(self, value: Value) -> Wording:
        given = {"text": value} if isinstance(value, str) else value
        if not isinstance(given, dict) or set(given) - {"text", "html"} or not all(isinstance(one, str) for one in given.values()):  # fmt: skip
            raise SettingError('write a text, or { all = "text", nl = { html = "<p>text</p>" } }.')
        text, html = str(given.get("text", "")).replace(OLD_AGENT, AGENT), clean(str(given.get("html", "")))
        try:
            check_wording(text, html)
        except ValidationError as error:
            raise SettingError(" ".join(error.messages)) from error
        return Wording(part=self.part, text=text, html=html)

    def after_save(self, row: Model, value: Value) -> None:
        wanted, key = self.by_language(value), {str(row._meta.model_name): row}
        for language, one in self.rows(row).items():
            if language not in wanted:
                one.delete()
        for language, one in wanted.items():
            saved = self.rows(row).get(language) or Wording(part=self.part, language=language, **key)
            saved.text, saved.html = one.text, one.html
            saved.save()


def together(rows: Mapping[str, Wording]) -> Value:
    """As they stand in the file."""
    texts: Table = {language or ALL: written(one) for language, one in sorted(rows.items())}
    return texts[ALL] if list(texts) == [ALL] else texts or None


def written(wording: Wording) -> Value:
    if not wording.html:
        return wording.text
    table: Table = {"html": wording.html}
    return {**table, "text": wording.text} if wording.text else table


class LookOf(Field):
    """`look = { accent = "#0a5c5a", logo = { file = "logo.png" } }`; false: none, the mails are plain. A logo is written
    out in base64 when it is small; without `logo` it stays as it is."""

    schema: JsonSchema = {"type": ["object", "boolean"]}
    nothing: Value = False

    def __init__(self) -> None:
        super().__init__("look")

    def read(self, row: Model) -> Value:
        look = look_of(row)
        if look is None:
            return None
        table: Table = {name: getattr(look, name) for name in PLAIN}
        if look.logo_id and (content := logo_of(look)) and len(content) <= EXPORTED_LOGO:
            table["logo"] = base64.b64encode(content).decode()
        return table

    def left_out(self, row: Model) -> str:
        look = look_of(row)
        size = len(logo_of(look)) if look and look.logo_id else 0
        if size <= EXPORTED_LOGO:
            return ""
        kept = "a backup and the export of everything have it"
        return f'The logo of {size // 1000} kB is too large: {kept}. Elsewhere write: logo = {{ file = "logo.png" }}.'

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old = self.read(row)
        if value is False:
            setattr(row, PENDING, None)
            return old, None
        if not isinstance(value, dict) or set(value) - {*PLAIN, "logo"}:
            raise SettingError(f"write a table with {', '.join(PLAIN)} and logo, or false for no look.")
        look = look_of(row) or Look()
        for name in PLAIN:
            setattr(look, name, value.get(name, getattr(look, name)))
        try:
            look.full_clean(exclude=["brand", "logo"])
        except ValidationError as error:
            raise SettingError("; ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())) from error  # fmt: skip
        new: Table = {name: getattr(look, name) for name in PLAIN}
        content = picture(value["logo"], base) if "logo" in value else b""
        shown = base64.b64encode(content).decode() if content else (old or {}).get("logo") if isinstance(old, dict) else None  # fmt: skip
        setattr(row, PENDING, (look, content))
        return old, new | ({"logo": shown} if shown else {})

    def after_save(self, row: Model, value: Value) -> None:
        pending = getattr(row, PENDING)
        before = look_of(row)
        if pending is None:
            if before:
                before.delete()
        else:
            look, content = pending
            look.brand = row
            if content:
                (blob,) = store.prepare([content])
                store.save([blob])
                look.logo, look.logo_type = blob, picture_type(content)
            look.save()
        after = pending[0].logo_id if pending else None
        if before and before.logo_id and before.logo_id != after:
            store.condemn([before.logo_id], timezone.now())


def look_of(row: Model) -> Look | None:
    return Look.objects.filter(brand=cast(Brand, row)).first() if row.pk else None


def logo_of(look: Look) -> bytes:
    try:
        return store.get(str(look.logo_id))
    except (store.BlobMissing, store.VaultUnreachable):
        return b""


def picture(value: Value, base: Base) -> bytes:
    """Base64, or `{ file = "logo.png" }`. Raises SettingError."""
    try:
        if base is not None and isinstance(value, dict) and set(value) == {"file"}:
            content = (base / str(value["file"])).read_bytes()
        else:
            content = base64.b64decode(str(value), validate=True)
    except (OSError, binascii.Error) as error:
        raise SettingError(f'write the logo as {{ file = "logo.png" }} or in base64 ({error}).') from error
    if len(content) > LARGEST_LOGO or not picture_type(content):
        raise SettingError(f"the logo must be a PNG, JPEG or GIF picture of at most {LARGEST_LOGO // 1000} kB.")
    return content
