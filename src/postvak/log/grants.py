"""What to do when a provider gives no token: one sentence for each of its reasons that people meet.

The provider's own words (`last_said` of a grant) are shown beside it. Codes: RFC 6749 section 5.2 and
learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

AGAIN = _("Press “Connect again” and sign in once more.")
NEW_SECRET = _(
    "The client secret is wrong or has expired. Make a new one where the application is registered, enter it here and "
    "press “Connect again”."
)
REGISTRATION = _("Compare application id and tenant with those of the registration at the provider.")
CONSENT = _("An administrator of your organisation has to allow the application at the provider, then connect again.")
WAIT = _("The provider can't be reached at the moment. Postvak tries again by itself.")
OTHERWISE = _("Read the provider's words. Mostly it helps to press “Connect again”.")

# First match wins.
REMEDIES: tuple[tuple[str, Text], ...] = (
    (r"AADSTS7000(215|222)", NEW_SECRET),
    (r"AADSTS(700016|700038|90002|900023|90013|50059)", REGISTRATION),
    (
        r"AADSTS50011|redirect_uri_mismatch",
        _("Enter the redirect address, exactly as it stands here, into the registration of the application."),
    ),
    (r"AADSTS(65001|65004|650057|90094|90099|900941)|access_denied|consent_required", CONSENT),
    (
        r"AADSTS(53000|53001|53003|530031|50005|50097)",
        _("A rule of your organisation (conditional access) forbids this sign-in. Its administrator can allow it."),
    ),
    (
        r"AADSTS(50057|50034)",
        _("The account is switched off or doesn't exist any more. Choose another, or have it switched on again."),
    ),
    (
        r"^no_refresh_token",
        _(
            "Postvak may use the account for about an hour only. Connect again, and agree to lasting access when the "
            "provider asks."
        ),
    ),
    (
        r"can't be opened with the sealing keys",
        _(
            "Restore the file sealing.keys from your backup, or enter the client secret again and press “Connect again”."
        ),
    ),
    (r"^invalid_client|^unauthorized_client", NEW_SECRET),
    (r"^invalid_scope", REGISTRATION),
    (r"^(unreachable|temporarily_unavailable|server_error)", WAIT),
    (r"^(invalid_grant|interaction_required)", AGAIN),
)


def remedy_for(said: str) -> str:
    """In the active language."""
    return str(next((remedy for pattern, remedy in REMEDIES if re.search(pattern, said)), OTHERWISE))
