"""What would become of a mail, and why; nothing is written. The same as `postvak explain`."""

import base64
from typing import Any

from postvak.api.frame import ApiRequest, Body, Field, Router, Token, found, invalid
from postvak.api.paging import LARGEST
from postvak.models import Mailbox
from postvak.process.plan_json import plan_as_json
from postvak.process.run import explain_arriving

router = Router(tags=["Mails that came in"])
LARGEST_TEXT = 6_000_000


class MailToExplain(Body):
    mail: str = Field(min_length=1, max_length=LARGEST_TEXT, description="The whole mail in Base64.")
    mailbox: int | None = Field(
        None, ge=1, le=LARGEST, description="Where it would come in; null: the command line's own."
    )


@router.post("/explanations", auth=Token("mail:read", admin=True), response=dict[str, Any])
def explain_mail(request: ApiRequest, given: MailToExplain) -> Any:
    """What today's rules would make of a mail: outcome, queue, ticket, and the reason of each step."""
    wanted = {"pk": given.mailbox} if given.mailbox else {"kind": Mailbox.Kind.LOCAL}
    mailbox = found(Mailbox.objects.order_by("pk"), **wanted)
    try:
        raw = base64.b64decode(given.mail, validate=True)
    except ValueError:  # no Base64, or no ASCII
        raise invalid("mail", "This is no Base64.") from None
    return plan_as_json(*explain_arriving(mailbox, raw))
