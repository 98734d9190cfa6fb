"""Sections of people: agents, roles, teams, ways to log in; and who is in a queue, with which role."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Exists, Model, OuterRef, Q
from django.utils.translation import gettext as _

from postvak.log.audit import By
from postvak.models import Agent, LoginProvider, Membership, Queue, QueueTeam, Role, Team, Wording
from postvak.models.people import Rights
from postvak.setup.fields import Base, Field, Flag, JsonSchema, Lines, Moment, Number, SettingError, Text, Value
from postvak.setup.identity import Wordings
from postvak.setup.references import Reference, RoleReference, Rows, find_role, none_such, role_key
from postvak.setup.removal import plainly, unless
from postvak.setup.sealed import Password, Secret
from postvak.setup.section import Section
from postvak.tickets.people import (
    LEAD,
    USUAL,
    changing,
    delete_team,
    members_of,
    save_role,
    save_team,
    set_members,
    set_queues,
    set_teams,
    set_teams_of,
)
from postvak.tickets.people import own_roles as roles_held

Named = dict[str, str]


@dataclass(frozen=True)
class RoleSection(Section):
    """The key is that of a shipped role, or the name of another one; "=" before a name that a shipped one has as its key."""

    def rows(self) -> Iterable[Model]:
        return sorted(Role.objects.all(), key=role_key)

    def key_of(self, row: Model) -> Value:
        return role_key(cast(Role, row))

    def find(self, key: str) -> Model | None:
        return next((role for role in Role.objects.all() if role_key(role) == key), None)

    def make(self, key: str) -> Model:
        return Role(name=key.removeprefix("="))

    def rename(self, row: Model, key: str) -> None:
        role = cast(Role, row)
        if not role.key:
            role.name = key.removeprefix("=")

    def is_shipped(self, row: Model) -> bool:
        return bool(cast(Role, row).key)

    def save(self, row: Model, by: By) -> None:
        save_role(cast(Role, row))


class ShippedName(Text):
    """What a shipped role is called here; of others the key is the name."""

    def read(self, row: Model) -> Value:
        role = cast(Role, row)
        return role.name if role.key else None

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        role, text = cast(Role, row), str(self.check(value)).strip()
        if not role.key and text != role.name:
            raise SettingError("only a shipped role has a name besides its key.")
        old, role.name = self.read(row), text
        return old, self.read(row)


@dataclass(frozen=True)
class TeamSection(Section):
    def save(self, row: Model, by: By) -> None:
        team = cast(Team, row)
        with changing(agents=members_of(team)):
            team.save()


class TeamMembers(Rows):
    def __init__(self) -> None:
        super().__init__("members", Agent, "email")

    def after_save(self, row: Model, value: Value) -> None:
        team = cast(Team, row)
        roles = dict(team.queue_teams.values_list("queue", "role"))
        save_team(team, cast(list[Agent], self.find(value)), roles)


def remove_team(team: Team, by: By) -> None:
    delete_team(team)


class ByEmail(Field):
    """Agents of a queue, by e-mail."""

    schema: JsonSchema = {"type": "array", "items": {"type": "string", "format": "email"}}
    nothing: Value = []

    def __init__(self) -> None:
        super().__init__("members")

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        wanted = emails_in(value)
        check_agents(wanted)
        return self.read(row), cast(Value, wanted)


class Members(ByEmail):
    """Those with a role of their own there; without a word about it "agent"."""

    def read(self, row: Model) -> Value:
        return cast(Value, sorted(own_roles(row)))

    def after_save(self, row: Model, value: Value) -> None:
        before = own_roles(row)
        write_roles(row, {email: before.get(email, USUAL) for email in emails_in(value)})


class Leads(ByEmail):
    """Those of the members who lead; set after the members."""

    def read(self, row: Model) -> Value:
        return cast(Value, sorted(email for email, role in own_roles(row).items() if role == LEAD))

    def after_save(self, row: Model, value: Value) -> None:
        before, leads = own_roles(row), emails_in(value)
        check_membership(row, leads, before)
        after = {email: USUAL if role == LEAD else role for email, role in before.items()}
        write_roles(row, after | dict.fromkeys(leads, LEAD))


class Roles(Field):
    """Of members who have another role than "agent" and "lead": `{ "bob@example.org" = "reader" }`; set after both."""

    schema: JsonSchema = {"type": "object", "additionalProperties": {"type": "string"}}
    nothing: Value = {}

    def __init__(self) -> None:
        super().__init__("members")

    def read(self, row: Model) -> Value:
        found = {email: role for email, role in own_roles(row).items() if role not in {USUAL, LEAD}}
        return cast(Value, dict(sorted(found.items()))) or None

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        wanted = roles_in(value)
        check_agents(list(wanted))
        return self.read(row), cast(Value, wanted) or None

    def after_save(self, row: Model, value: Value) -> None:
        before, wanted = own_roles(row), roles_in(value)
        check_membership(row, list(wanted), before)
        after = {email: role if role in {USUAL, LEAD} else USUAL for email, role in before.items()}
        write_roles(row, after | wanted)


class Teams(Field):
    """With the role of each in the queue: `{ "First level" = "agent" }`; they and no others."""

    schema: JsonSchema = {"type": "object", "additionalProperties": {"type": "string"}}
    nothing: Value = {}

    def __init__(self) -> None:
        super().__init__("queue_teams")

    def read(self, row: Model) -> Value:
        if row.pk is None:
            return None
        rows = QueueTeam.objects.filter(queue=row.pk).select_related("team", "role").order_by("team__name")
        return {one.team.name: role_key(one.role) for one in rows} or None

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        wanted = roles_in(value, normal=str)
        known = list(Team.objects.order_by("name").values_list("name", flat=True))
        for name in wanted:
            if name not in known:
                raise none_such(Team, name, known)
        return self.read(row), cast(Value, wanted) or None

    def after_save(self, row: Model, value: Value) -> None:
        keys = dict(Team.objects.values_list("name", "pk"))
        set_teams(
            cast(Queue, row), {keys[name]: find_role(role).pk for name, role in roles_in(value, normal=str).items()}
        )


def own_roles(row: Model) -> Named:
    """Email -> role of each member, but of those who are here by a team only. Who got none has what adopt() would give him."""
    if row.pk is None:
        return {}
    teams = QueueTeam.objects.filter(team__is_valid=True, queue=OuterRef("queue"), team__members=OuterRef("agent"))
    rows = Membership.objects.filter(queue=row.pk).annotate(by_team=Exists(teams))
    rows = rows.filter(Q(by_team=False) | Q(own_role__isnull=False)).select_related("agent", "own_role")
    return {
        one.agent.email: role_key(one.own_role) if one.own_role else LEAD if one.is_lead else USUAL
        for one in rows.order_by("agent__email")
    }


def write_roles(row: Model, roles: Named) -> None:
    agents = dict(Agent.objects.filter(email__in=roles).values_list("email", "pk"))
    keys = {role_key(role): role.pk for role in Role.objects.all()}
    set_members(cast(Queue, row), {agents[email]: keys[role] for email, role in roles.items()})


def emails_in(value: Value) -> list[str]:
    if not isinstance(value, list):
        raise SettingError('write a list of e-mail addresses: ["ann@example.org"].')
    return sorted({str(email).lower() for email in value})


def roles_in(value: Value, *, normal: Callable[[str], str] = str.lower) -> Named:
    if not isinstance(value, dict):
        raise SettingError('write a table with the role of each: { "name" = "agent" }.')
    return {normal(name): role_key(find_role(role)) for name, role in sorted(value.items())}


def check_agents(emails: Sequence[str]) -> None:
    missing = set(emails) - set(Agent.objects.filter(email__in=emails).values_list("email", flat=True))
    if missing:
        raise SettingError(_("there is no agent “%(email)s”.") % {"email": min(missing)})


def check_membership(row: Model, emails: Sequence[str], members: Named) -> None:
    strangers = set(emails) - set(members)
    if strangers:
        text = _("“%(email)s” leads the queue “%(queue)s” or has a role there, but is none of its members.")
        raise SettingError(text % {"email": min(strangers), "queue": row})


class QueuesOf(Field):
    """In which queues somebody works, with the role in each: `{ "Support" = "agent" }`. In a file that stands at the queues."""

    schema: JsonSchema = {"type": "object", "additionalProperties": {"type": "string"}}
    nothing: Value = {}

    def __init__(self) -> None:
        super().__init__("queues")

    def read(self, row: Model) -> Value:
        return {queue: role_key(role) for queue, role in sorted(self.roles(row))} or None if row.pk else None

    def roles(self, row: Model) -> Iterable[tuple[str, Role]]:
        """(name of the queue, role)."""
        raise NotImplementedError

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        wanted = roles_in(value, normal=str)
        known = list(Queue.objects.order_by("name").values_list("name", flat=True))
        for name in wanted:
            if name not in known:
                raise none_such(Queue, name, known)
        return self.read(row), cast(Value, wanted) or None

    def keys_in(self, value: Value) -> dict[int, int]:
        """Key of the queue -> key of the role."""
        keys = dict(Queue.objects.values_list("name", "pk"))
        return {keys[name]: find_role(role).pk for name, role in roles_in(value, normal=str).items()}


class QueuesOfAgent(QueuesOf):
    """Those in which he has a role of his own."""

    def roles(self, row: Model) -> Iterable[tuple[str, Role]]:
        roles = {role.pk: role for role in Role.objects.all()}
        rows = Membership.objects.filter(agent=row.pk).select_related("queue")
        return [(one.queue.name, roles[role]) for one, role in roles_held(rows)]

    def after_save(self, row: Model, value: Value) -> None:
        set_queues(cast(Agent, row), self.keys_in(value))


class QueuesOfTeam(QueuesOf):
    def roles(self, row: Model) -> Iterable[tuple[str, Role]]:
        rows = QueueTeam.objects.filter(team=row.pk).select_related("queue", "role")
        return [(one.queue.name, one.role) for one in rows]

    def after_save(self, row: Model, value: Value) -> None:
        team = cast(Team, row)
        save_team(team, list(team.members.all()), self.keys_in(value))


class TeamsOfAgent(Rows):
    def __init__(self) -> None:
        super().__init__("teams", Team, "name")

    def after_save(self, row: Model, value: Value) -> None:
        set_teams_of(cast(Agent, row), cast(list[Team], self.find(value)))


def check_agent(agent: Agent) -> None:
    """As the form. Raises ValidationError by field. (A substitute may have left: an export names him, and has to fit again.)"""
    if agent.language and agent.language not in dict(settings.LANGUAGES):
        raise ValidationError({"language": f"write one of {', '.join(dict(settings.LANGUAGES))}."})
    if agent.time_zone and agent.time_zone not in available_timezones():
        raise ValidationError({"time_zone": "write the name of a time zone, such as Europe/Amsterdam."})
    if agent.away_from and agent.away_until and agent.away_until <= agent.away_from:
        raise ValidationError({"away_until": _("The end has to be after the beginning.")})
    if agent.substitute_id and agent.substitute_id == agent.pk:
        raise ValidationError({"substitute": "nobody stands in for himself: name a colleague."})


RIGHTS: Mapping[str, Field] = {
    name.removeprefix("is_"): Flag(name) for name in (field.name for field in Rights._meta.fields)
}

ROLES = RoleSection(
    "role",
    Role,
    "role",
    {"name": ShippedName("name"), **RIGHTS, "position": Number("position")},
    remove=unless(lambda role: bool(role.key)),
)
AGENTS = Section(
    "agent",
    Agent,
    "email",
    {
        "name": Text("name"),
        "admin": Flag("is_admin"),
        "valid": Flag("is_active"),
        "language": Text("language"),
        "time_zone": Text("time_zone"),
        "password": Password(),
        "signature": Wordings(Wording.Part.SIGNATURE),
        "away_from": Moment("away_from"),
        "away_until": Moment("away_until"),
    },
    {"substitute": Reference("substitute", Agent, "email")},
    normalise=str.lower,
    check=check_agent,
    beside={"queues": QueuesOfAgent(), "teams": TeamsOfAgent()},
)
TEAMS = TeamSection(
    "team",
    Team,
    "name",
    {"comment": Text("comment"), "valid": Flag("is_valid"), "members": TeamMembers()},
    remove=remove_team,
    beside={"queues": QueuesOfTeam()},
)
IN_QUEUES: Mapping[str, Field] = {"members": Members(), "leads": Leads(), "roles": Roles(), "teams": Teams()}
LOGIN_PROVIDERS = Section(
    "login_provider",
    LoginProvider,
    "name",
    {
        "kind": Text("kind"),
        "issuer": Text("issuer"),
        "tenant": Text("tenant"),
        "client_id": Text("client_id"),
        "client_secret": Secret("client_secret"),
        "domains": Lines("domains"),
        "role": RoleReference(),
        "valid": Flag("is_valid"),
    },
    {"queues": Rows("queues", Queue, "name")},
    remove=plainly,
)
