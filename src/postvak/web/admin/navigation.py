"""The areas of the administration, with a count where something is wrong."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.models import Agent, AlarmState, Brand, Channel, Grant, LanguageModel, Mailbox, Mode, Webhook
from postvak.notify.breaker import all_open
from postvak.notify.health.keys import urgent
from postvak.send.signing_keys import unfit_keys
from postvak.tickets.access import queues_to


@dataclass(frozen=True, slots=True)
class Area:
    id: str
    label: str
    icon: str
    count: int = 0

    @property
    def url(self) -> str:
        return reverse(f"admin_{self.id}")

    @property
    def tone(self) -> str:
        return "alert" if self.count else ""


@dataclass(frozen=True, slots=True)
class OwnQueue:
    """The page of a queue that somebody administers who is no administrator; `id`: as pages name where they stand."""

    id: str
    label: str
    url: str
    icon: str = "slots"
    count: int = 0
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    areas: tuple[Area | OwnQueue, ...]


@dataclass(frozen=True, slots=True)
class AdminNavigation:
    brand_name: str
    groups: tuple[Group, ...]


def navigation_of_queues(agent: Agent) -> AdminNavigation:
    """Of those who administer queues and nothing else: just these queues and their templates."""
    brand = Brand.objects.order_by("pk").first()
    queues = queues_to(agent, "administer").order_by("name")
    areas = tuple(OwnQueue(f"queue-{row.pk}", row.name, reverse("admin_queue", args=[row.pk])) for row in queues)
    own = Group(_("Communication"), (Area("answer_templates", _("Templates"), "template"),))
    return AdminNavigation(brand.name if brand else "", (Group(_("Queues"), areas), own))


def admin_navigation() -> AdminNavigation:
    failing = Mailbox.objects.fetched().exclude(failing_since=None).count()
    disturbed = Channel.objects.filter(is_valid=True, failures__gt=0).count()
    broken = Grant.objects.exclude(failing_since=None).count()
    broken_hooks = Webhook.objects.filter(is_valid=True).exclude(failing_since=None).count()
    silent = LanguageModel.objects.exclude(mode=Mode.OFF).exclude(last_problem="").count()
    brand = Brand.objects.order_by("pk").first()
    return AdminNavigation(
        brand.name if brand else "",
        (
            Group(
                _("Communication"),
                (
                    Area("mailboxes", _("Mailboxes"), "in", failing),
                    Area("channels", _("Sending channels"), "out", disturbed),
                    Area("signing", _("Signing"), "key", len(unfit_keys())),
                    Area("keys", _("Certificates & keys"), "lock", urgent(timezone.now())),
                    Area("grants", _("Connected accounts"), "plug", broken),
                    Area("addresses", _("E-mail addresses"), "at"),
                    Area("queues", _("Queues"), "slots"),
                    Area("classification", _("Classification"), "brain", silent),
                    Area("brands", _("Brands"), "sig"),
                    Area("answer_templates", _("Templates"), "template"),
                    Area("messages", _("Message centre"), "robot", all_open(timezone.now()).count()),
                ),
            ),
            Group(
                _("People"),
                (
                    Area("agents", _("Agents"), "people"),
                    Area("teams", _("Teams"), "people"),
                    Area("roles", _("Roles"), "shield"),
                    Area("login", _("Log-in"), "lock"),
                ),
            ),
            Group(
                _("Tickets"),
                (
                    Area("statuses", _("Statuses"), "tick"),
                    Area("priorities", _("Priorities"), "sort"),
                    Area("ticket_types", _("Types"), "stack"),
                    Area("tags", _("Tags"), "tag"),
                    Area("custom_fields", _("Custom fields"), "list"),
                    Area("slas", _("Service levels"), "timer"),
                    Area("calendars", _("Calendars"), "cal"),
                ),
            ),
            Group(
                _("Rules"),
                (
                    Area("filters", _("Filters"), "filter"),
                    Area("external_numbers", _("External numbers"), "link"),
                    Area("exclusions", _("Grouping exclusions"), "branch"),
                ),
            ),
            system_areas(broken_hooks),
        ),
    )


def system_areas(broken_hooks: int) -> Group:
    return Group(
        _("System"),
        (
            Area("health", _("Health"), "eye", AlarmState.objects.count()),
            Area("communications", _("Communication log"), "list"),
            Area("jobs", _("Jobs"), "rows"),
            Area("imports", _("Import"), "in"),
            Area("audit", _("Audit"), "book"),
            Area("webhooks", _("Web hooks"), "plug", broken_hooks),
            Area("programs", _("Programs"), "key"),
            Area("options", _("Options"), "gear"),
            Area("retention", _("Retention"), "clock"),
            Area("privacy", _("Privacy"), "shield"),
            Area("backups", _("Backups"), "stack"),
            Area("exports", _("Export"), "download"),
        ),
    )
