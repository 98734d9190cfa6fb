"""Settings that name other rows: by their natural keys, never by numbers of the database."""

from collections.abc import Sequence
from typing import cast

from django.db.models import Model
from django.utils.translation import gettext as _

from postvak.models import Role
from postvak.setup.fields import Base, Field, JsonSchema, SettingError, Value

FEW = 30  # names in a sentence


def none_such(model: type[Model], wanted: object, known: Sequence[object]) -> SettingError:
    """There is no such row; and which there are."""
    shown = ", ".join(str(name) for name in known[:FEW]) + (" …" if len(known) > FEW else "")
    noun = model._meta.verbose_name
    text = _("there is no %(noun)s “%(name)s” (there are: %(names)s).")
    return SettingError(text % {"noun": noun, "name": wanted, "names": shown or _("none")})


class Reference(Field):
    """Another row by its natural key; "" means none."""

    schema: JsonSchema = {"type": "string"}

    def __init__(self, attribute: str, model: type[Model], key: str, *, required: bool = False) -> None:
        super().__init__(attribute)
        self.model, self.key, self.required = model, key, required

    def read(self, row: Model) -> Value:
        if getattr(row, f"{self.attribute}_id") is None:
            return None
        return cast(Value, getattr(getattr(row, self.attribute), self.key))

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old = self.read(row)
        setattr(row, self.attribute, self.find(value))
        return old, self.read(row)

    def find(self, value: Value) -> Model | None:
        if value == "" and not self.required:
            return None
        if isinstance(value, dict | list):
            raise SettingError(f"write a name in quotes, not {value!r}.")
        wanted = value.lower() if isinstance(value, str) and self.key == "email" else value
        found = self.model._default_manager.filter(**{self.key: wanted}).first()
        if found is None:
            known = self.model._default_manager.order_by(self.key).values_list(self.key, flat=True)
            raise none_such(self.model, value, list(known[: FEW + 1]))
        return found

    def set_initial(self, row: Model, *, where: str, name: str) -> None:
        if not self.required:
            return
        rows = list(self.model._default_manager.all()[:2])
        if len(rows) != 1:
            raise SettingError(f"{where} needs a {name}.", field=name)
        setattr(row, self.attribute, rows[0])


class Rows(Field):
    """Several rows of another model, by their keys."""

    schema: JsonSchema = {"type": "array", "items": {"type": ["string", "integer"]}}
    nothing: Value = []

    def __init__(self, attribute: str, model: type[Model], key: str) -> None:
        super().__init__(attribute)
        self.model, self.key = model, key

    def read(self, row: Model) -> Value:
        if row.pk is None:
            return []
        return list(getattr(row, self.attribute).order_by(self.key).values_list(self.key, flat=True))

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        return self.read(row), cast(Value, [getattr(one, self.key) for one in self.find(value)])

    def find(self, keys: Value) -> list[Model]:
        """In the order in which they are read."""
        if not isinstance(keys, list):
            raise SettingError(f"write a list of {self.attribute}: [ … ].")
        known = {getattr(row, self.key): row for row in self.model._default_manager.order_by(self.key)}
        for key in keys:
            if not isinstance(key, str | int) or key not in known:
                raise none_such(self.model, key, list(known))
        return [row for key, row in known.items() if key in keys]

    def after_save(self, row: Model, value: Value) -> None:
        getattr(row, self.attribute).set(self.find(value))


def role_key(role: Role) -> str:
    """A shipped one's key; the name of another, with "=" before it where it could be mistaken."""
    return keyed(role.key, role.name, Role.objects.exclude(key="").values_list("key", flat=True))


def keyed(key: str, name: str, shipped: object) -> str:
    if key:
        return key
    return f"={name}" if name.startswith("=") or name in cast(Sequence[str], shipped) else name


class RoleReference(Reference):
    """A role: a shipped one by its key, another by its name."""

    def __init__(self, attribute: str = "role", *, required: bool = False) -> None:
        super().__init__(attribute, Role, "key", required=required)

    def read(self, row: Model) -> Value:
        role = getattr(row, self.attribute)
        return None if role is None else role_key(role)

    def find(self, value: Value) -> Role | None:
        if value == "" and not self.required:
            return None
        return find_role(value)


def find_role(value: Value) -> Role:
    known = {role_key(role): role for role in Role.objects.all()}
    if not isinstance(value, str) or value not in known:
        raise none_such(Role, value, list(known))
    return known[value]
