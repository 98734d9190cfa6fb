"""Where this installation lives: environment variables, data directory and its key files.

Read once at start; a frozen value. Not here: settings that administrators change (those are rows).
Environment: POSTVAK_DATA, POSTVAK_DATABASE (postgres://… or sqlite:///path), POSTVAK_DATABASE_DIRECT (the same one past a pooler),
POSTVAK_REPLICA (a copy for what may be a little stale) and POSTVAK_REPLICA_LAG (how stale, seconds), POSTVAK_URL (public address),
POSTVAK_HOSTS (more host names, comma separated), POSTVAK_TIME_ZONE, POSTVAK_LANGUAGE, POSTVAK_DEBUG, for large mails
POSTVAK_BLOBS (files or s3://bucket/prefix?endpoint=…&region=…), POSTVAK_BLOBS_KEY, POSTVAK_BLOBS_SECRET, and for the
listener POSTVAK_LISTEN_SMTP, _LMTP, _CERT, _KEY, _LIMITS, _BACKLOG. POSTVAK_METRICS_TOKEN: who may read /metrics. POSTVAK_OWN_NETWORKS: where
web hooks and log-in providers may stand beside the public internet. POSTVAK_SECURITY_CONTACT: who hears of weaknesses (security.txt).
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.fernet import Fernet
from platformdirs import user_data_path

from postvak.configuration.errors import ConfigurationError
from postvak.configuration.listening import ListenAddress, Listening, read_listening

__all__ = [
    "Bucket", "Configuration", "ConfigurationError", "Database", "ListenAddress", "Listening", "Replica", "SEALING_FILE", "SECRET_FILE",
    "load", "read_bucket",
]  # fmt: skip

SECRET_FILE = "secret.key"  # noqa: S105 - a file name
SEALING_FILE = "sealing.keys"
RESTORE = "Restore it from your backup: without its keys the stored passwords of mail servers can't be opened."
LANGUAGES = ("nl", "de", "en")
BLOBS_FORMS = "Write files, or s3://bucket/prefix?endpoint=https://host&region=name; only the bucket is a must."
DATABASE_FORMS = "Use postgres://user:password@host:port/name or sqlite:///path/to/file."
DATABASE_OPTIONS = {  # of libpq (PostgreSQL manual, 34.1.2); anything else would be a slip of the pen
    "application_name", "channel_binding", "connect_timeout", "gssencmode", "host", "krbsrvname", "load_balance_hosts", "port",
    "sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert", "target_session_attrs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Database:
    """How to reach the database: `engine` is "sqlite3" or "postgresql". `host` and `port` may be lists with commas (libpq);
    `options` are further parameters of libpq."""

    engine: str
    name: str
    host: str = ""
    port: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Replica:
    """A read-only copy (streaming replication) of which is asked what may be `lag` seconds stale."""

    database: Database
    lag: int = 10


@dataclass(frozen=True, slots=True)
class Bucket:
    """S3-compatible storage for large contents. Without `endpoint` Amazon's; without `key` as AWS programs find theirs."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        return self.endpoint or "Amazon S3"

    def __str__(self) -> str:
        """As in POSTVAK_BLOBS."""
        given = {"endpoint": self.endpoint, "region": self.region}
        options = "&".join(f"{name}={value}" for name, value in given.items() if value)
        return "/".join(filter(None, (f"s3://{self.name}", self.prefix))) + (f"?{options}" if options else "")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the environment says. `data` holds keys, the SQLite database and large blobs."""

    data: Path
    database: Database
    secret_key: str
    sealing_keys: tuple[bytes, ...]
    url: str
    hosts: tuple[str, ...]
    time_zone: str
    language: str
    debug: bool
    listening: Listening = Listening()
    bucket: Bucket | None = None  # of large contents; None: files below `blobs`
    metrics_token: str = field(default="", repr=False)
    own_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    security_contact: str = ""  # "mailto:…" or "https://…"
    direct: Database | None = None  # the database past a pooler; then `database` is one in transaction mode
    replica: Replica | None = None

    @property
    def blobs(self) -> Path:
        return self.data / "blobs"

    @property
    def demo(self) -> Path:
        """Where a demonstration keeps the mails that it sent; there is no such folder in any other installation."""
        return self.data / "demo"


def load(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Read the environment; make the data directory and the key files when they are missing.

    Raises ConfigurationError with one sentence for the person who starts Postvak.
    """
    data = data_directory(environment)
    url = environment.get("POSTVAK_URL", "").rstrip("/")
    database = read_database(environment.get("POSTVAK_DATABASE", ""), data)
    return Configuration(
        data=data,
        database=database,
        secret_key=read_or_make(data / SECRET_FILE, secrets.token_urlsafe(48)),
        sealing_keys=read_sealing_keys(data / SEALING_FILE),
        url=url,
        hosts=host_names(environment.get("POSTVAK_HOSTS", ""), url),
        time_zone=known_time_zone(environment.get("POSTVAK_TIME_ZONE", "Europe/Amsterdam")),
        language=known_language(environment.get("POSTVAK_LANGUAGE", "en")),
        debug=environment.get("POSTVAK_DEBUG", "") == "1",
        listening=read_listening(environment),
        bucket=read_bucket(environment.get("POSTVAK_BLOBS", ""), environment),
        metrics_token=environment.get("POSTVAK_METRICS_TOKEN", "").strip(),
        own_networks=read_networks(environment.get("POSTVAK_OWN_NETWORKS", "")),
        security_contact=read_contact(environment.get("POSTVAK_SECURITY_CONTACT", "").strip()),
        direct=read_other("POSTVAK_DATABASE_DIRECT", environment, database),
        replica=read_replica(environment, database),
    )


def data_directory(environment: Mapping[str, str]) -> Path:
    """The writable data directory (mode 0700), made when missing."""
    chosen = environment.get("POSTVAK_DATA", "")
    path = Path(chosen).expanduser() if chosen else user_data_path("postvak", appauthor=False)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {path} can't be made ({error.strerror}). "
            "Choose another with POSTVAK_DATA or give this user the right to write there."
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"The data directory {path} is not writable for this user. "
            "Give it the right to write there or choose another directory with POSTVAK_DATA."
        )
    return path


def read_or_make(path: Path, fresh: str) -> str:
    """The content of a key file; written once with mode 0600, never overwritten.

    The key is complete before it gets its name, so that two processes that start together agree on one.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ConfigurationError(f"The key file {path} can't be read ({error.strerror}). Check its owner.") from error
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(fresh + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigurationError(
            f"The key file {path} can't be written ({error.strerror}). Check the rights of the data directory."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text().strip()


def read_sealing_keys(path: Path) -> tuple[bytes, ...]:
    """The keys in the file, one on each line, the newest on top."""
    keys = tuple(line.encode() for line in read_or_make(path, Fernet.generate_key().decode()).split())
    try:
        for key in keys:
            Fernet(key)
    except ValueError as error:
        raise ConfigurationError(f"The key file {path} holds a line that is no key. {RESTORE}") from error
    if not keys:
        raise ConfigurationError(f"The key file {path} is empty. {RESTORE}")
    return keys


def read_database(url: str, data: Path) -> Database:
    """`postgres://user:password@host:port/name`, `sqlite:///absolute/path`, or "" for SQLite in `data`."""
    if not url:
        return Database("sqlite3", str(data / "postvak.sqlite3"))
    if url.startswith("sqlite:"):
        return Database("sqlite3", unquote(urlsplit(url).path))
    return read_postgresql("POSTVAK_DATABASE", url)


def read_postgresql(variable: str, url: str, which: str = "read-write") -> Database:
    """`postgres://user:password@host:port,host:port/name?sslmode=…`, as libpq reads it. `which` of several hosts is meant, where
    target_session_attrs doesn't say it. The text of an error doesn't repeat the URL: a password may be in it."""
    try:
        parts = urlsplit(url)
        login, _at, place = parts.netloc.rpartition("@")
        hosts = [urlsplit(f"//{one}") for one in place.split(",")]
        ports = [str(one.port or "") for one in hosts]  # raises when it is no number or too large
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError as error:
        raise ConfigurationError(f"{variable} can't be read. {DATABASE_FORMS}") from error
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ConfigurationError(f"{variable} names the unknown kind '{parts.scheme}'. {DATABASE_FORMS}")
    if unknown := sorted(set(options) - DATABASE_OPTIONS):
        raise ConfigurationError(
            f"{variable} has the unknown option '{unknown[0]}'. Known: {', '.join(sorted(DATABASE_OPTIONS))}."
        )
    host = options.pop("host", ",".join(one.hostname or "" for one in hosts))
    port = options.pop("port", ",".join(ports) if any(ports) else "")
    if "," in host:
        options.setdefault("target_session_attrs", which)
    user, _colon, password = login.partition(":")
    return Database(
        "postgresql",
        parts.path.lstrip("/"),
        host,
        port,
        unquote(user),
        unquote(password),
        tuple(sorted(options.items())),
    )


def read_other(
    variable: str, environment: Mapping[str, str], database: Database, which: str = "read-write"
) -> Database | None:
    """Another way to the same PostgreSQL database, or a copy of it."""
    url = environment.get(variable, "")
    if url and database.engine != "postgresql":
        raise ConfigurationError(
            f"{variable} needs a PostgreSQL database in POSTVAK_DATABASE. Leave it out with SQLite."
        )
    return read_postgresql(variable, url, which) if url else None


def read_replica(environment: Mapping[str, str], database: Database) -> Replica | None:
    copy = read_other("POSTVAK_REPLICA", environment, database, "prefer-standby")
    lag = environment.get("POSTVAK_REPLICA_LAG", "10")
    if not lag.isdecimal() or not 1 <= int(lag) <= 3600:
        raise ConfigurationError("POSTVAK_REPLICA_LAG has to be a number of seconds from 1 to 3600.")
    return Replica(copy, int(lag)) if copy else None


def read_bucket(place: str, environment: Mapping[str, str] = os.environ) -> Bucket | None:
    """`s3://bucket/prefix?endpoint=…&region=…`; None for "files" and "". The text of an error repeats no password."""
    if place in {"", "files"}:
        return None
    parts = urlsplit(place)
    options = dict(parse_qsl(parts.query))
    is_address = options.get("endpoint", "https://").startswith(("https://", "http://"))
    if parts.scheme != "s3" or not parts.netloc or set(options) - {"endpoint", "region"} or not is_address:
        raise ConfigurationError(f"The place of large mails can't be read (POSTVAK_BLOBS). {BLOBS_FORMS}")
    key, secret = (environment.get(f"POSTVAK_BLOBS_{name}", "") for name in ("KEY", "SECRET"))
    if "@" in parts.netloc or bool(key) != bool(secret):
        raise ConfigurationError(
            "The key for the storage of large mails belongs in POSTVAK_BLOBS_KEY and its secret in POSTVAK_BLOBS_SECRET: set "
            "both or none."
        )
    return Bucket(parts.netloc, parts.path.strip("/"), key=key, secret=secret, **options)


def read_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """`10.0.0.0/8, ::1`: networks and single addresses."""
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"POSTVAK_OWN_NETWORKS can't be read: {error}. Write networks like 10.1.0.0/16 or fd00:1::/32, with commas."
        ) from error


def read_contact(text: str) -> str:
    """An e-mail or web address, as RFC 9116 wants it."""
    contact = f"mailto:{text}" if "@" in text and ":" not in text else text
    if contact and (not contact.startswith(("mailto:", "https://")) or not contact.isprintable() or " " in contact):
        raise ConfigurationError(
            "POSTVAK_SECURITY_CONTACT has to be an e-mail address or a web address that begins with https://."
        )
    return contact


def known_time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"POSTVAK_TIME_ZONE names the unknown time zone '{name}'. Write it like Europe/Amsterdam."
        ) from error


def known_language(name: str) -> str:
    if name not in LANGUAGES:
        raise ConfigurationError(
            f"POSTVAK_LANGUAGE names the unknown language '{name}'. Choose one of {', '.join(LANGUAGES)}."
        )
    return name


def host_names(listed: str, url: str) -> tuple[str, ...]:
    """Names under which browsers may call us. Without POSTVAK_URL any name is accepted, so that the
    first start works from another machine on the network."""
    names = [name.strip() for name in listed.split(",") if name.strip()]
    if url:
        names += [urlsplit(url).hostname or "", "localhost", "127.0.0.1", "[::1]"]
    return tuple(names) or ("*",)
