"""Tables, constraints and QuerySets; one file per noun. No verbs, no network, no overridden save()."""

from postvak.blobs.rows import Blob
from postvak.models.address import Address
from postvak.models.agent import Agent, FailedLogin
from postvak.models.alarm import AlarmState
from postvak.models.answer_template import AnswerTemplate, AnswerTemplateFile, AnswerTemplateText
from postvak.models.api import ApiToken, IdempotencyKey, Webhook, WebhookDelivery
from postvak.models.audit import AuditEntry
from postvak.models.automatic import AutomaticMail
from postvak.models.brand import Brand, Look, NameMode
from postvak.models.change import Change, Tally, TallyDelta
from postvak.models.channel import Channel, SigningKey
from postvak.models.classifier import Classifier, ClassifierModel, LanguageModel, Mode, Prediction, Target
from postvak.models.communication import Communication, CommunicationEntry, CommunicationObject
from postvak.models.crypto_key import CryptoKey, KeyName, Revocation
from postvak.models.custom_field import CustomField
from postvak.models.customer import Customer, CustomerAddress, Organisation, OrganisationDomain
from postvak.models.draft import Draft, DraftFile
from postvak.models.external_number import ExternalNumber, ExternalReference
from postvak.models.filter import Filter, FilterVersion
from postvak.models.grant import Grant
from postvak.models.grouping import GroupingExclusion
from postvak.models.history import History
from postvak.models.job import Imported, Job, Redaction
from postvak.models.lease import Lease
from postvak.models.ledger import LedgerDelta, LedgerEntry, LedgerTally
from postvak.models.mail_security import MailSecurity
from postvak.models.mailbox import Mailbox
from postvak.models.message import Attachment, Message, ReferencedId
from postvak.models.options import Options
from postvak.models.outgoing import Delivery, DeliveryEvent, OutgoingMail, SentCopy
from postvak.models.people import Invitation, LoginProvider, QueueTeam, Rights, Role, Team
from postvak.models.priority import Priority
from postvak.models.protection import Encrypt, Protected, Sign
from postvak.models.queue import Membership, Queue
from postvak.models.receipt import Receipt, Trace
from postvak.models.removed import RemovedTicket
from postvak.models.retention import Retention
from postvak.models.rule import Blocked, Digest, LoopBreak, Rule, RuleChoice, RuleFile, RuleText
from postvak.models.search import AttachmentText, SearchAgain, SearchEntry, SearchState, SearchText
from postvak.models.sla import Calendar, Rating, Sla
from postvak.models.status import Status
from postvak.models.suppression import Suppression
from postvak.models.tag import Tag, Tagging
from postvak.models.ticket import ExternalLink, Participant, SideConversation, Ticket, TicketCounter, TicketLink
from postvak.models.ticket_type import TicketType
from postvak.models.together import Mention, Notification, Presence, RemoteContent
from postvak.models.view import BulkChange, SavedView, ViewCount
from postvak.models.wording import Wording

__all__ = [
    "Address",
    "Agent",
    "AlarmState",
    "AnswerTemplate",
    "AnswerTemplateFile",
    "AnswerTemplateText",
    "ApiToken",
    "Attachment",
    "AttachmentText",
    "AuditEntry",
    "AutomaticMail",
    "Blob",
    "Blocked",
    "Brand",
    "BulkChange",
    "Calendar",
    "Change",
    "Channel",
    "Classifier",
    "ClassifierModel",
    "Communication",
    "CommunicationEntry",
    "CommunicationObject",
    "CryptoKey",
    "CustomField",
    "Customer",
    "CustomerAddress",
    "Delivery",
    "DeliveryEvent",
    "Digest",
    "Draft",
    "DraftFile",
    "Encrypt",
    "ExternalLink",
    "ExternalNumber",
    "ExternalReference",
    "FailedLogin",
    "Filter",
    "FilterVersion",
    "Grant",
    "GroupingExclusion",
    "History",
    "IdempotencyKey",
    "Imported",
    "Invitation",
    "Job",
    "KeyName",
    "LanguageModel",
    "Lease",
    "LedgerDelta",
    "LedgerEntry",
    "LedgerTally",
    "LoginProvider",
    "Look",
    "LoopBreak",
    "MailSecurity",
    "Mailbox",
    "Membership",
    "Mention",
    "Message",
    "Mode",
    "NameMode",
    "Notification",
    "Options",
    "Organisation",
    "OrganisationDomain",
    "OutgoingMail",
    "Participant",
    "Prediction",
    "Presence",
    "Priority",
    "Protected",
    "Queue",
    "QueueTeam",
    "Rating",
    "Receipt",
    "Redaction",
    "ReferencedId",
    "RemoteContent",
    "RemovedTicket",
    "Retention",
    "Revocation",
    "Rights",
    "Role",
    "Rule",
    "RuleChoice",
    "RuleFile",
    "RuleText",
    "SavedView",
    "SearchAgain",
    "SearchEntry",
    "SearchState",
    "SearchText",
    "SentCopy",
    "SideConversation",
    "Sign",
    "SigningKey",
    "Sla",
    "Status",
    "Suppression",
    "Tag",
    "Tagging",
    "Tally",
    "TallyDelta",
    "Target",
    "Team",
    "Ticket",
    "TicketCounter",
    "TicketLink",
    "TicketType",
    "Trace",
    "ViewCount",
    "Webhook",
    "WebhookDelivery",
    "Wording",
]
