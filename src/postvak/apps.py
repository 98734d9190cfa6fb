from django.apps import AppConfig

from postvak.blobs.vault import vault


class PostvakConfig(AppConfig):
    name = "postvak"
    label = "postvak"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Whether the place of large contents can be used at all is said at the start, not at the first large mail."""
        vault()


class SecondFactorsConfig(AppConfig):
    """The table of allauth.mfa, without what its own set-up imports (its pages, forms and e-mail addresses). Decision 005."""

    name = "allauth.mfa"
    default_auto_field = "django.db.models.BigAutoField"


class SessionsConfig(AppConfig):
    """The table of allauth.usersessions, likewise."""

    name = "allauth.usersessions"
    default_auto_field = "django.db.models.BigAutoField"
