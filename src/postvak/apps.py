from django.apps import AppConfig


class PostvakConfig(AppConfig):
    name = "postvak"
    label = "postvak"
    default_auto_field = "django.db.models.BigAutoField"
