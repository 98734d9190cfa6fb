"""What search knows of messages: SearchEntry (when), SearchText (its words); and what is still to be read.

On SQLite an FTS5 table follows SearchText by triggers, on PostgreSQL it has a GIN index (migration 0010). A later
migration that changes SearchText on SQLite makes the table anew and has to make the triggers anew, too.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from postvak.mail.lexemes import Lexemes

if TYPE_CHECKING:
    Column = models.Field[Lexemes, Lexemes]
else:
    Column = models.Field  # Django's own class takes no types when the program runs


class LexemesField(Column):
    """Takes `mail.lexemes.Lexemes`: a tsvector on PostgreSQL, elsewhere the stream of words. Written, never read."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, value: object, compiler: object, connection: BaseDatabaseWrapper) -> str:
        return "%s::tsvector" if connection.vendor == "postgresql" else "%s"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if isinstance(value, Lexemes):
            return value.as_tsvector() if connection.vendor == "postgresql" else value.as_stream()
        return value


class SearchEntry(models.Model):
    """`id` rises with the time of the message (tickets.search.keys), so that newest first needs no sorting and a time is a range of keys."""

    id = models.BigIntegerField(primary_key=True)
    message = models.OneToOneField("Message", models.CASCADE, related_name="search_entry")


class SearchText(models.Model):
    """The words of a message, its ticket's number, subject and customer, and of its files."""

    entry = models.OneToOneField(SearchEntry, models.CASCADE, primary_key=True, related_name="text")
    words = LexemesField()


class SearchAgain(models.Model):
    """A message whose words changed since it was read. The row goes when that was done."""

    message = models.ForeignKey("Message", models.CASCADE, related_name="+")


class SearchState(models.Model):
    """One row: how far the messages were read. Every message up to `mark` was; those above it are looked for.

    `mark` follows `checkpoint`, the newest message at `checkpoint_at`, some time later: a transaction that was
    still writing then is over. `backlog`: messages below it are still to be read, newest first; 0: none. `analyser`:
    the version of mail.words that wrote the index.
    """

    mark = models.BigIntegerField(default=0)
    checkpoint = models.BigIntegerField(default=0)
    checkpoint_at = models.DateTimeField(null=True, blank=True)
    backlog = models.BigIntegerField(default=0)
    analyser = models.PositiveIntegerField(default=0)


class AttachmentText(models.Model):
    """The text of an attached file, read for the search. `claimed_until`: somebody reads it until then."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READ = "read"
        NONE = "none"

    attachment = models.OneToOneField("Attachment", models.CASCADE, primary_key=True, related_name="content")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    text = models.TextField(blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["attachment"], condition=models.Q(state="waiting"), name="attachment_to_read")
        ]
