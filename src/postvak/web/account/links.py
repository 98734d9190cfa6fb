"""Addresses of ours for mails and for other sites: under the public address, if the installation has one."""

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest, path: str) -> str:
    """Without a public address: as the browser wrote it. That may be anything where every host name is accepted
    (`is_sure_of_its_name`): only for what the asking person himself gets to see."""
    public: str = settings.CONFIGURATION.url
    return public + path if public else request.build_absolute_uri(path)


def is_sure_of_its_name() -> bool:
    """A stranger can't choose the host name that stands in our links."""
    return bool(settings.CONFIGURATION.url) or "*" not in settings.ALLOWED_HOSTS
