"""The house before the first mail: brands, queues with addresses, agents, tags, a calendar with a service level, customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from postvak.cli.demo.people import LANGUAGES, Company, Person, company, full_name, person, plain
from postvak.models import (
    Address,
    Agent,
    Brand,
    Calendar,
    Channel,
    Customer,
    CustomerAddress,
    Membership,
    Organisation,
    OrganisationDomain,
    Queue,
    Role,
    SavedView,
    Sla,
    Status,
    Tag,
    Wording,
)

ADMIN = "eva@example.org"
BOB = "bob@example.org"
BRANDS = (("Nordhof Leuchten", "nordhof.example", "de"), ("Lumière Licht", "lumiere.example", "nl"))
QUEUES = (
    ("Kundendienst", "service", "petrol", 0),
    ("Bestellungen & Lieferung", "orders", "ochre", 0),
    ("Transportschäden und Reklamationen", "damage", "brick", 0),
    ("Rechnungswesen", "billing", "slate", 0),
    ("Verkoop Nederland", "verkoop", "moss", 1),
    ("Retouren", "retouren", "plum", 1),
)
TAGS = ("Garantie", "Rückruf", "LD-200", "retour", "spoed", "VIP", "invoice", "quote", "bulk order", "Ersatzteil")
OFFICE = {str(day): [["08:30", "12:30"], ["13:00", "17:00"]] for day in range(5)}
GREETINGS = {"de": "Mit freundlichen Grüßen", "nl": "Met vriendelijke groet", "en": "Kind regards"}


@dataclass(frozen=True, slots=True)
class Size:
    queues: int
    agents: int
    organisations: int
    customers: int


@dataclass(frozen=True, slots=True)
class Known:
    """A customer with what his tickets need."""

    row: Customer
    person: Person


@dataclass(frozen=True, slots=True)
class House:
    """`members`: agents by queue. The first agent is administrator; the second, Bob, is in the first two queues only."""

    queues: list[Queue]
    agents: list[Agent]
    members: dict[int, list[Agent]]
    statuses: dict[str, Status]
    tags: list[Tag]
    customers: list[Known]
    channel: Channel
    sla: Sla


def build(size: Size, password: str, chance: Random) -> House:
    queues = make_queues(make_brands(), size.queues)
    agents = make_agents(size.agents, password, chance)
    members = make_members(queues, agents, chance)
    companies = make_organisations(size.organisations, chance)
    house = House(
        queues=queues,
        agents=agents,
        members=members,
        statuses={status.key: status for status in Status.objects.all()},
        tags=Tag.objects.bulk_create(Tag(name=name, colour=chance.choice(Queue.Colour.values)) for name in TAGS),
        customers=make_customers(size.customers, companies, chance),
        channel=Channel.objects.create(name="Demo", kind=Channel.Kind.FILE, is_default=True),
        sla=make_sla(),
    )
    make_views(house)
    return house


def make_brands() -> list[Brand]:
    first = Brand.objects.earliest("pk")
    first.name, first.language = BRANDS[0][0], BRANDS[0][2]
    first.save(update_fields=["name", "language"])
    brands = [first, *(Brand.objects.create(name=name, language=language) for name, _domain, language in BRANDS[1:])]
    for brand in brands:
        for language, greeting in GREETINGS.items():
            text = f"{greeting}\n{{{{ agent.name }}}}\n{brand.name}"
            Wording.objects.create(brand=brand, part=Wording.Part.SIGNATURE, language=language, text=text)
    return brands


def make_queues(brands: Sequence[Brand], count: int) -> list[Queue]:
    """The named ones, then "Team 7" and so on; each with its address."""
    colours = Queue.Colour.values
    plans = [*QUEUES, *((f"Team {n}", f"team{n}", colours[n % 8], n % 2) for n in range(len(QUEUES) + 1, count + 1))]
    made = []
    for name, mailbox, colour, of in plans[:count]:
        queue = Queue.objects.create(name=name, colour=colour, brand=brands[of])
        email = f"{mailbox}@{BRANDS[of][1]}"
        queue.address = Address.objects.create(email=email, display_name=f"{brands[of].name} {name}", queue=queue)
        queue.save(update_fields=["address"])
        made.append(queue)
    return made


def make_agents(count: int, password: str, chance: Random) -> list[Agent]:
    """One hash for all: they have the same password."""
    eva = Agent.objects.create_user(ADMIN, password, name="Eva de Groot", is_admin=True)
    others = [Agent(email=BOB, name="Bob Baker", password=eva.password)]
    while len(others) < count - 1:
        name = full_name(LANGUAGES[len(others) % 3], chance)
        email = f"{plain(name.split()[0])}{len(others)}@example.org"
        others.append(Agent(email=email, name=name, password=eva.password))
    return [eva, *Agent.objects.bulk_create(others)]


def make_members(queues: Sequence[Queue], agents: Sequence[Agent], chance: Random) -> dict[int, list[Agent]]:
    """Bob in the first two queues; the others in up to four; nobody's queue is Eva's."""
    chosen = {(queue.pk, agents[1].pk): agents[1] for queue in queues[:2]}
    for agent in agents[2:]:
        for queue in chance.sample(queues, min(len(queues), chance.randint(1, 4))):
            chosen[queue.pk, agent.pk] = agent
    members: dict[int, list[Agent]] = {queue.pk: [] for queue in queues}
    roles = {role.key: role for role in Role.objects.exclude(key="")}
    rows = []
    for (queue_pk, _agent_pk), agent in chosen.items():
        role = roles["agent" if members[queue_pk] else "lead"]
        rows.append(Membership(queue_id=queue_pk, agent=agent, own_role=role, is_lead=role.is_lead))
        members[queue_pk].append(agent)
    Membership.objects.bulk_create(rows)
    return {pk: there or [agents[0]] for pk, there in members.items()}


def make_organisations(count: int, chance: Random) -> list[tuple[Company, Organisation]]:
    companies = [company(number, chance) for number in range(count)]
    rows = Organisation.objects.bulk_create(
        [Organisation(name=one.name, number=f"K{10_000 + number}") for number, one in enumerate(companies)],
        batch_size=500,
    )
    OrganisationDomain.objects.bulk_create(
        [OrganisationDomain(organisation=row, domain=one.domain) for one, row in zip(companies, rows, strict=True)],
        batch_size=500,
    )
    return list(zip(companies, rows, strict=True))


def make_customers(count: int, companies: Sequence[tuple[Company, Organisation]], chance: Random) -> list[Known]:
    people = [(person(number, one, chance), row) for number in range(count) for one, row in [chance.choice(companies)]]
    rows = Customer.objects.bulk_create(
        [Customer(name=each.name, organisation=row, language=each.language) for each, row in people], batch_size=500
    )
    CustomerAddress.objects.bulk_create(
        [CustomerAddress(customer=row, email=each.email) for row, (each, _of) in zip(rows, people, strict=True)],
        batch_size=500,
    )
    return [Known(row, each) for row, (each, _of) in zip(rows, people, strict=True)]


def make_sla() -> Sla:
    calendar = Calendar.objects.create(name="Büro", time_zone="Europe/Berlin", hours=OFFICE, country="DE", region="NI")
    return Sla.objects.create(name="Standard", calendar=calendar, first_answer=480, next_answer=960, solution=4800)


def make_views(house: House) -> None:
    """See tickets.views for the conditions."""
    eva, bob = house.agents[:2]
    SavedView.objects.create(agent=eva, name="VIP", is_shared=True, condition={"tags": [house.tags[5].pk]})
    fresh = {"queues": [house.queues[0].pk], "assignees": ["nobody"]}
    SavedView.objects.create(agent=bob, name="Kundendienst, frei", condition=fresh)
