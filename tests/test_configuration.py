"""Environment, data directory and key files: made once, never overwritten, and one sentence when it can't be."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from postvak.configuration import Bucket, Configuration, ConfigurationError, Database, Replica, load

START = """
import json, os, sys
from pathlib import Path
from postvak.configuration import load
print("ready", flush=True)
sys.stdin.readline()
found = load({"POSTVAK_DATA": sys.argv[1]})
print(json.dumps([found.secret_key, [key.decode() for key in found.sealing_keys]]))
"""


def start(data: Path, **environment: str) -> Configuration:
    return load({"POSTVAK_DATA": str(data), **environment})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_directory_and_keys_for_this_user_only(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    found = start(data)
    assert mode(data) == 0o700
    assert {path.name: mode(path) for path in data.iterdir()} == {"secret.key": 0o600, "sealing.keys": 0o600}
    assert len(found.secret_key) >= 50
    assert [Fernet(key) for key in found.sealing_keys]


def test_the_second_start_finds_the_same_keys(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    assert first == second


def test_two_installations_have_different_keys(tmp_path: Path) -> None:
    first, second = start(tmp_path / "a"), start(tmp_path / "b")
    assert first.secret_key != second.secret_key
    assert first.sealing_keys != second.sealing_keys


def test_processes_that_start_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    for round_ in range(3):
        command = [sys.executable, "-c", START, str(tmp_path / str(round_))]
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
        ]
        pipes = [(process.stdin, process.stdout) for process in processes]
        assert [out.readline() for _, out in pipes if out] == ["ready\n"] * len(pipes)
        for stdin, _ in pipes:
            assert stdin is not None
            stdin.write("go\n")
            stdin.flush()
        found = [json.loads(process.communicate()[0]) for process in processes]
        assert all(one == found[0] for one in found)
        keys = json.dumps([found[0][0], (tmp_path / str(round_) / "sealing.keys").read_text().split()])
        assert json.loads(keys) == found[0]
        assert len(list((tmp_path / str(round_)).iterdir())) == 2


def test_each_line_of_the_sealing_file_is_a_key_and_the_first_comes_first(tmp_path: Path) -> None:
    new, old = Fernet.generate_key(), Fernet.generate_key()
    (tmp_path / "sealing.keys").write_bytes(new + b"\n" + old + b"\n")
    assert start(tmp_path).sealing_keys == (new, old)


def test_a_data_directory_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"The data directory .*/file/data can't be made .*POSTVAK_DATA"):
        start(tmp_path / "file" / "data")


def test_a_data_directory_that_is_not_writable_is_one_sentence(tmp_path: Path) -> None:
    """Run as `nobody`, because root may write everywhere."""
    tmp_path.chmod(0o755)
    script = (
        "import os, sys\n"
        "from postvak.configuration import load, ConfigurationError\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try: load({'POSTVAK_DATA': sys.argv[1]})\n"
        "except ConfigurationError as error: print(error)\n"
    )
    data = tmp_path / "data"
    data.mkdir(mode=0o555)
    place = "/proc/self" if not is_reachable(tmp_path) else str(data)
    done = subprocess.run([sys.executable, "-c", script, place], capture_output=True, text=True, check=True)
    assert f"The data directory {place} is not writable for this user." in done.stdout


def is_reachable(path: Path) -> bool:
    """May every user pass through to it?"""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def test_a_key_file_that_can_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(ConfigurationError, match=r"The key file .*secret\.key can't be read"):
        start(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "is empty"), ("garbage", "no key"), (Fernet.generate_key().decode() + "\nx", "no key")],
    ids=["empty", "garbage", "one good, one bad"],
)
def test_a_damaged_sealing_file_is_one_sentence_and_stays_as_it_is(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "sealing.keys"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=rf"The key file .*sealing\.keys .*{said}.*backup"):
        start(tmp_path)
    assert path.read_text() == content


@pytest.mark.parametrize("name", ["Mars/Base", "", "Europe", "../etc/passwd"])
def test_an_unknown_time_zone_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"POSTVAK_TIME_ZONE .* Europe/Amsterdam"):
        start(tmp_path, POSTVAK_TIME_ZONE=name)


def test_an_unknown_language_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="POSTVAK_LANGUAGE .* nl, de, en"):
        start(tmp_path, POSTVAK_LANGUAGE="xx")


def test_without_a_url_the_database_is_sqlite_in_the_data_directory(tmp_path: Path) -> None:
    assert start(tmp_path).database == Database("sqlite3", str(tmp_path / "postvak.sqlite3"))


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("sqlite:///srv/my%20mail.db", Database("sqlite3", "/srv/my mail.db")),
        ("postgres://ann:p%40ss@db:5433/post", Database("postgresql", "post", "db", "5433", "ann", "p@ss")),
        ("postgresql://db/post", Database("postgresql", "post", "db")),
        ("postgres:///post", Database("postgresql", "post")),
        (
            "postgres://ann@one,two:5433/post?sslmode=require",
            Database(
                "postgresql",
                "post",
                "one,two",
                ",5433",
                "ann",
                "",
                (("sslmode", "require"), ("target_session_attrs", "read-write")),
            ),
        ),
        (
            "postgres://one/post?host=a,b&port=1,2&target_session_attrs=any",
            Database("postgresql", "post", "a,b", "1,2", options=(("target_session_attrs", "any"),)),
        ),
    ],
)
def test_the_database_url_is_read(tmp_path: Path, url: str, database: Database) -> None:
    assert start(tmp_path, POSTVAK_DATABASE=url).database == database


@pytest.mark.parametrize("url", ["mysql://db/post", "/srv/mail.db", "C:\\mail"])
def test_an_unknown_database_is_one_sentence_that_says_what_to_write(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"POSTVAK_DATABASE names the unknown kind .*postgres://"):
        start(tmp_path, POSTVAK_DATABASE=url)


@pytest.mark.parametrize("place", ["db:port", "[::1", "db:99999"])
def test_a_broken_database_url_is_one_sentence_without_the_password(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigurationError, match=r"POSTVAK_DATABASE can't be read.*postgres://") as caught:
        start(tmp_path, POSTVAK_DATABASE=f"postgres://ann:geheim@{place}/post")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("place", ["", "files"])
def test_large_mails_lie_in_files_below_the_data_directory(tmp_path: Path, place: str) -> None:
    found = start(tmp_path, POSTVAK_BLOBS=place)
    assert (found.bucket, found.blobs) == (None, tmp_path / "blobs")


@pytest.mark.parametrize(
    ("place", "bucket"),
    [
        ("s3://mails", Bucket("mails")),
        ("s3://Mails/desk/large/", Bucket("Mails", "desk/large")),
        ("s3://mails?region=eu-west-1", Bucket("mails", region="eu-west-1")),
        (
            "s3://mails/desk?endpoint=https://s3.example.org:9000&region=nl",
            Bucket("mails", "desk", "https://s3.example.org:9000", "nl"),
        ),
    ],
)
def test_the_bucket_of_large_mails_is_read_and_written_the_same_way(tmp_path: Path, place: str, bucket: Bucket) -> None:
    found = start(tmp_path, POSTVAK_BLOBS=place).bucket
    assert found == bucket
    assert start(tmp_path, POSTVAK_BLOBS=str(found)).bucket == bucket


@pytest.mark.parametrize(
    "place", ["/srv/blobs", "s3:mails", "s3://", "s3://m?acl=public", "s3://m?endpoint=s3.example.org", "http://m/x"]
)
def test_an_unknown_place_of_large_mails_is_one_sentence_that_says_what_to_write(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigurationError, match=r"POSTVAK_BLOBS.*s3://bucket/prefix"):
        start(tmp_path, POSTVAK_BLOBS=place)


def test_key_and_secret_stand_in_their_own_variables_and_belong_together(tmp_path: Path) -> None:
    found = start(tmp_path, POSTVAK_BLOBS="s3://m", POSTVAK_BLOBS_KEY="k", POSTVAK_BLOBS_SECRET="geheim")
    assert found.bucket == Bucket("m", key="k", secret="geheim")
    assert "geheim" not in repr(found) + str(found.bucket)
    for environment in ({"POSTVAK_BLOBS_KEY": "k"}, {"POSTVAK_BLOBS": "s3://k:geheim@m"}):
        with pytest.raises(ConfigurationError, match="POSTVAK_BLOBS_SECRET") as caught:
            start(tmp_path, **({"POSTVAK_BLOBS": "s3://m"} | environment))
        assert "geheim" not in str(caught.value)


def test_with_a_public_address_only_its_host_and_this_machine_are_accepted(tmp_path: Path) -> None:
    found = start(tmp_path, POSTVAK_URL="https://post.example.org/", POSTVAK_HOSTS="desk.example.org, ")
    assert found.url == "https://post.example.org"
    assert found.hosts == ("desk.example.org", "post.example.org", "localhost", "127.0.0.1", "[::1]")
    assert start(tmp_path).hosts == ("*",)


def test_the_listener_s_ports_are_read(tmp_path: Path) -> None:
    listening = start(
        tmp_path,
        POSTVAK_LISTEN_SMTP="127.0.0.1:2525, [::1]:2525",
        POSTVAK_LISTEN_LMTP="unix:/run/postvak/lmtp",
        POSTVAK_LISTEN_LIMITS="5/60",
        POSTVAK_LISTEN_BACKLOG="500",
    ).listening
    assert [str(address) for address in listening.addresses] == [
        "127.0.0.1:2525",
        "[::1]:2525",
        "unix:/run/postvak/lmtp",
    ]
    assert [address.protocol for address in listening.addresses] == ["smtp", "smtp", "lmtp"]
    assert (listening.connections_per_ip, listening.mails_per_minute, listening.certificate) == (5, 60, None)
    assert (listening.backlog, start(tmp_path).listening.backlog) == (500, 100_000)
    assert start(tmp_path).listening.addresses == ()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SMTP", "2525", "POSTVAK_LISTEN_SMTP can't be read: '2525'"),
        ("SMTP", "127.0.0.1:0", "POSTVAK_LISTEN_SMTP can't be read: '127.0.0.1:0'"),
        ("LMTP", "127.0.0.1:70000", "POSTVAK_LISTEN_LMTP can't be read"),
        ("LMTP", "unix:relative", "POSTVAK_LISTEN_LMTP can't be read"),
        ("CERT", "/x", "POSTVAK_LISTEN_CERT and POSTVAK_LISTEN_KEY belong together"),
        ("LIMITS", "many", "POSTVAK_LISTEN_LIMITS can't be read: 'many'"),
        ("BACKLOG", "-1", "POSTVAK_LISTEN_BACKLOG can't be read: '-1'"),
    ],
)
def test_a_wrong_setting_of_the_listener_is_one_sentence(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        start(tmp_path, **{f"POSTVAK_LISTEN_{name}": value})


def test_no_network_of_the_house_is_asked_unless_it_is_named(tmp_path: Path) -> None:
    assert load({"POSTVAK_DATA": str(tmp_path)}).own_networks == ()
    named = load({"POSTVAK_DATA": str(tmp_path), "POSTVAK_OWN_NETWORKS": "10.1.0.0/16, ::1"}).own_networks
    assert [str(one) for one in named] == ["10.1.0.0/16", "::1/128"]


@pytest.mark.parametrize("networks", ["10.1.0.1/16", "intranet", "10.0.0.0/8;::1", "10.0.0.0/33"])
def test_a_network_that_is_none_is_one_sentence(tmp_path: Path, networks: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^POSTVAK_OWN_NETWORKS can't be read: .*with commas\.$"):
        load({"POSTVAK_DATA": str(tmp_path), "POSTVAK_OWN_NETWORKS": networks})


@pytest.mark.parametrize(
    ("said", "contact"),
    [
        ("", ""),
        (" security@example.org ", "mailto:security@example.org"),
        ("https://example.org/s", "https://example.org/s"),
    ],
)
def test_whom_to_tell_of_a_weakness(tmp_path: Path, said: str, contact: str) -> None:
    assert load({"POSTVAK_DATA": str(tmp_path), "POSTVAK_SECURITY_CONTACT": said}).security_contact == contact


@pytest.mark.parametrize(
    "said", ["http://example.org", "somebody", "a@b.example\nExpires: never", "javascript:alert(1)"]
)
def test_a_contact_that_is_none_is_one_sentence(tmp_path: Path, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^POSTVAK_SECURITY_CONTACT has to be .*\.$"):
        load({"POSTVAK_DATA": str(tmp_path), "POSTVAK_SECURITY_CONTACT": said})


@pytest.mark.parametrize("query", ["sslmod=require", "sslmode", "=x"])
def test_an_option_of_the_database_that_nobody_knows_is_not_left_out_silently(tmp_path: Path, query: str) -> None:
    with pytest.raises(ConfigurationError, match=r"POSTVAK_DATABASE (has the unknown option|can't be read)"):
        start(tmp_path, POSTVAK_DATABASE=f"postgres://db/post?{query}")


def test_a_replica_and_the_way_past_a_pooler_are_read(tmp_path: Path) -> None:
    found = start(
        tmp_path,
        POSTVAK_DATABASE="postgres://pooler:6432/post",
        POSTVAK_DATABASE_DIRECT="postgres://db/post",
        POSTVAK_REPLICA="postgres://copy,db/post",
        POSTVAK_REPLICA_LAG="30",
    )
    assert found.direct == Database("postgresql", "post", "db")
    options = (("target_session_attrs", "prefer-standby"),)
    assert found.replica == Replica(Database("postgresql", "post", "copy,db", options=options), 30)


@pytest.mark.parametrize(
    "given",
    [
        {"POSTVAK_REPLICA": "postgres://copy/post"},
        {"POSTVAK_DATABASE_DIRECT": "postgres://db/post"},
        {"POSTVAK_REPLICA_LAG": "soon"},
        {"POSTVAK_REPLICA_LAG": "0"},
    ],
)
def test_a_replica_of_sqlite_or_a_lag_that_is_no_number_is_one_sentence(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(given))):
        start(tmp_path, **given)
