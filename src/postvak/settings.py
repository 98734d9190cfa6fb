"""Django's settings, made from the configuration. Nothing here is meant to be edited by an installation."""

from pathlib import Path
from typing import Any

from postvak.configuration import Configuration, Database, load

CONFIGURATION = load()
HERE = Path(__file__).parent
ALIVE = {  # libpq: a server that is gone, with its machine or the way to it, is noticed within half a minute, not after two hours
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def database_settings(database: Database) -> dict[str, Any]:
    """PostgreSQL: of several hosts one may be gone for good, and each new connection asks it first. SQLite: WAL, every commit durable, write lock taken at BEGIN (deferred transactions dead-lock). Each request opens the
    file anew (3 ms): a connection that was opened while the file could only be read would stay so."""
    if database.engine == "sqlite3":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": database.name,
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                    "PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY"
                ),
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.name,
        "HOST": database.host,
        "PORT": database.port,
        "USER": database.user,
        "PASSWORD": database.password,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": ALIVE | ({"connect_timeout": 3} if "," in database.host else {}) | dict(database.options),
    }


def all_databases(configuration: Configuration) -> dict[str, dict[str, Any]]:
    """Beside "default": "direct", past the pooler, and "replica" (models.replica). A pooler in transaction mode gives
    each transaction another connection, so nothing may be left on one: cursors of the server's, prepared statements (Django makes none)."""
    found = {"default": database_settings(configuration.database)}
    if configuration.direct:
        found["default"] |= {"DISABLE_SERVER_SIDE_CURSORS": True}
        found["direct"] = database_settings(configuration.direct)
    if configuration.replica:
        found["replica"] = database_settings(configuration.replica.database)
        found["replica"]["OPTIONS"] |= {"connect_timeout": 3} | dict(configuration.replica.database.options)
    return found


SECRET_KEY = CONFIGURATION.secret_key
DEBUG = CONFIGURATION.debug
ALLOWED_HOSTS = list(CONFIGURATION.hosts)
DATABASES = all_databases(CONFIGURATION)
DATABASE_ROUTERS = ["postvak.models.replica.Router"] if CONFIGURATION.replica else []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "postvak.apps.SecondFactorsConfig",
    "postvak.apps.SessionsConfig",
    "postvak.apps.PostvakConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "postvak.web.middleware.security_headers",
    "postvak.web.middleware.api_addresses",
    "postvak.web.middleware.static_files",
    "postvak.web.middleware.packed_pages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "postvak.web.middleware.agent_preferences",
    "postvak.web.middleware.agent_seen",
    "postvak.web.middleware.login_required",
    "postvak.web.middleware.kept_by_nobody",
    "postvak.web.middleware.readable_mails",
]
if CONFIGURATION.replica:
    MIDDLEWARE.append("postvak.web.stale.own_changes")
ROOT_URLCONF = "postvak.urls"
WSGI_APPLICATION = "postvak.web.server.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "environment": "postvak.web.pages.environment",
            "context_processors": [],
            "autoescape": True,
            "extensions": ["jinja2.ext.i18n", "jinja2.ext.do"],
        },
    }
]

AUTH_USER_MODEL = "postvak.Agent"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
]
LOGIN_URL = "login"
PASSWORD_RESET_TIMEOUT = 60 * 60

LANGUAGE_CODE = CONFIGURATION.language
LANGUAGES = [("nl", "Nederlands"), ("de", "Deutsch"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [HERE / "locale"]
TIME_ZONE = CONFIGURATION.time_zone
USE_TZ = True

STATIC_URL = "/static/"
SECURE_HTTPS = CONFIGURATION.url.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
HOST_ONLY = "__Host-" if SECURE_HTTPS else ""  # browsers take such a cookie from this very host by https only
SESSION_COOKIE_NAME = f"{HOST_ONLY}postvak_session"
CSRF_COOKIE_NAME = f"{HOST_ONLY}postvak_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [CONFIGURATION.url] if CONFIGURATION.url else []
CSRF_FAILURE_VIEW = "postvak.web.errors.forged_form"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if SECURE_HTTPS else 0
DATA_UPLOAD_MAX_MEMORY_SIZE = 60 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "postvak.log.lines.Line", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"postvak": {"level": "INFO"}, "mail.log": {"level": "ERROR"}},  # aiosmtpd tells of every wrong command
}
