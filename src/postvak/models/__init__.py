"""Tables, constraints and QuerySets; one file per noun. No verbs, no network, no overridden save()."""

from postvak.blobs.rows import Blob
from postvak.models.address import Address
from postvak.models.agent import Agent, FailedLogin
from postvak.models.brand import Brand
from postvak.models.channel import Channel
from postvak.models.customer import Customer, CustomerAddress, Organisation, OrganisationDomain
from postvak.models.grant import Grant
from postvak.models.history import History
from postvak.models.lease import Lease
from postvak.models.mailbox import Mailbox
from postvak.models.message import Attachment, Message
from postvak.models.outgoing import Delivery, DeliveryEvent, OutgoingMail
from postvak.models.queue import Membership, Queue
from postvak.models.receipt import Receipt, Trace
from postvak.models.retention import Retention
from postvak.models.status import Status
from postvak.models.ticket import Participant, Ticket, TicketCounter

__all__ = [
    "Address",
    "Agent",
    "Attachment",
    "Blob",
    "Brand",
    "Channel",
    "Customer",
    "CustomerAddress",
    "Delivery",
    "DeliveryEvent",
    "FailedLogin",
    "Grant",
    "History",
    "Lease",
    "Mailbox",
    "Membership",
    "Message",
    "Organisation",
    "OrganisationDomain",
    "OutgoingMail",
    "Participant",
    "Queue",
    "Receipt",
    "Retention",
    "Status",
    "Ticket",
    "TicketCounter",
    "Trace",
]
