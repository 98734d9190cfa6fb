"""What the communication log keeps of one session: who came, how encrypted, each mail with our reply, and each refusal.

A connection that only looks whether we are there (nothing refused, no mail) is forgotten; those that were only refused are
counted together when they are many (crowd). Lives in the event loop; a thread of log.talk_writing writes it.
"""

from collections.abc import Sequence

from postvak.log.talk import Direction, begin_talk, end_talk, show_talk
from postvak.log.talk_notes import Topic
from postvak.models import Mailbox
from postvak.receive.accept import Arrived
from postvak.receive.listener import replies
from postvak.receive.listener.crowd import MODULE, Crowd

TOLD = 50  # refusals of one session, each with its words; more are counted


class Notes:
    """`sender`: of the mail that is being received, None between two mails. `is_only_refused`: whoever it was, he had no business
    here."""

    def __init__(self, protocol: str, ip: str, crowd: Crowd) -> None:
        self.protocol, self.ip, self.crowd = protocol, ip, crowd
        self.is_hidden = crowd.is_full(protocol)
        self.talk = begin_talk(
            Direction.IN, protocol.lower(), module=MODULE, worker=crowd.worker, is_hidden=self.is_hidden
        )
        self.connection = self.talk.connection(ip)
        self.sender: str | None = None
        self.mail: Topic | None = None
        self.is_empty, self.is_receiving, self.told = True, False, ""
        self.is_only_refused, self.refusals, self.first, self.last = True, 0, "", ""
        if ip:
            self.connection.info("came_in", peer=ip, protocol=protocol)
        else:
            self.connection.info("came_in_local", protocol=protocol)

    def encrypted(self, cipher: tuple[str, str, int] | None) -> None:
        if cipher is not None:
            self.connection.debug("encrypted", cipher=f"{cipher[1]}, {cipher[0]}")

    def greeted(self, name: str) -> None:
        self.connection.debug("greeted", name=name)

    def began(self, sender: str) -> None:
        self.ended()
        self.sender = sender

    def ended(self) -> None:
        if self.mail is not None:
            self.mail.end()
        self.sender, self.mail, self.is_receiving = None, None, False

    def data(self) -> None:
        """The content of the mail begins."""
        self.is_receiving, self.is_only_refused = True, False
        if self.is_hidden:
            self.is_hidden = False
            show_talk(self.talk)

    def replied(self, reply: str) -> None:
        """A refusal, of a mail or of something else."""
        if reply[:1] not in ("4", "5") or reply == self.told:
            return
        self.is_empty = self.is_receiving = False
        self.is_only_refused = self.is_only_refused and is_common(reply)
        self.refusals += 1
        self.first, self.last = self.first or reply, reply
        if self.refusals > TOLD:
            return
        if self.sender is None:
            self.connection.warning("refused", reply=reply)
        else:
            self.current().warning("refused_mail", sender=f"<{self.sender}>", reply=reply)

    def current(self) -> Topic:
        if self.mail is None:
            self.mail = self.talk.message(f"<{self.sender}>")
        return self.mail

    def stored(self, arrivals: Sequence[tuple[Mailbox, Arrived]], stored: Sequence[bool], reply: str) -> None:
        """One mail, for each mailbox that it was sent to."""
        self.is_empty, self.told = False, reply
        for (mailbox, mail), is_stored in zip(arrivals, stored, strict=True):
            self.talk.is_about(mailbox)
            topic = self.talk.message(mail.source, mailbox=mailbox, source=mail.source if is_stored else "")
            sender = f"<{mail.envelope_from}>"
            if is_stored:
                recipients = ", ".join(mail.envelope_to)
                topic.info("mail_taken", size=len(mail.raw), sender=sender, recipients=recipients, reply=reply)
            else:
                topic.error("mail_not_stored", sender=sender, reply=reply)
            topic.end()
        self.ended()

    def over(self) -> None:
        """The connection is closed."""
        if self.is_receiving:
            self.is_empty = False
            self.current().warning("broke_off")
        self.ended()
        if self.refusals > TOLD:
            self.connection.warning("refused_more", count=self.refusals - TOLD, reply=self.last)
        if self.is_empty or self.is_counted_elsewhere():
            self.talk.forget()
        end_talk(self.talk)

    def is_counted_elsewhere(self) -> bool:
        """What is in the log already stays there alone."""
        is_one_of_many = self.is_only_refused and self.talk.row.pk is None
        return is_one_of_many and self.crowd.takes(self.protocol, self.ip, self.first)


def is_common(reply: str) -> bool:
    """Unknown recipients, what is no SMTP, too much of it or of all mail; not what concerns somebody's mail to us: its size, a mailbox that rests,
    our own failure."""
    if reply in (replies.TOO_MANY_STRANGERS, replies.TOO_MANY_MAILS, *replies.UNDER_PRESSURE):
        return True
    return reply.startswith("5") and not reply.startswith("552")
