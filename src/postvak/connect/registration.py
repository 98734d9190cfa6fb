"""Our application at the provider of a grant, as net.oauth wants it."""

from collections.abc import Mapping

from postvak.models import Grant
from postvak.net.oauth import Registration
from postvak.net.oauth_providers import registration


def registration_of(grant: Grant, *, with_secret: bool = True) -> Registration:
    """Raises CannotOpen if the client secret was sealed with a key that we don't have."""
    return registration(
        grant.provider,
        tenant=grant.tenant or "common",
        client_id=grant.client_id,
        client_secret=grant.client_secret if with_secret else "",
        for_app=grant.flow == Grant.Flow.CLIENT,
        overrides=overrides_of(grant),
    )


def overrides_of(grant: Grant) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in dict(grant.endpoints).items()}
