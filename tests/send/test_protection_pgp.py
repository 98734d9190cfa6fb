"""Mails of ours as OpenPGP: read by the real gpg."""

import re
from collections.abc import Iterator

import pytest

from postvak.crypto import pgp_keys
from postvak.keys.reading import readable
from postvak.keys.store import add
from postvak.models import Address, Channel, MailSecurity, Options, Queue
from tests.crypto.gnupg import Gnupg
from tests.send.answering import ANN, Write, parsed, send_everything
from tests.servers.smtpd import SmtpServer

pytestmark = pytest.mark.django_db
SECRET = "Pfauenauge"
US = "support@example.org"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnupg]:
    folder = tmp_path_factory.mktemp("g")
    folder.chmod(0o700)
    gpg = Gnupg(folder)
    for address in (ANN, US):
        gpg.make(address)
    yield gpg
    gpg.stop()


@pytest.fixture(autouse=True)
def keys(people: Gnupg, no_automatic_mail: None, smtp: Channel, support: Queue) -> None:
    """Ann's public key and ours with its secret part are here; everything is signed and encrypted."""
    add(pgp_keys.read(people.public(ANN)), source="uploaded", state="in_use")
    add(pgp_keys.read(people.secret(US)), source="uploaded", state="in_use")
    Address.objects.filter(email=US).update(sign="always", encrypt="always")


def armour(raw: bytes) -> bytes:
    found = re.search(rb"-----BEGIN PGP MESSAGE-----.*-----END PGP MESSAGE-----", raw, re.S)
    assert found is not None
    return found.group()


def test_gpg_decrypts_and_verifies_what_arrives(people: Gnupg, write: Write, smtp_server: SmtpServer) -> None:
    message = write(ANN, text=f"The word is {SECRET}.").message
    send_everything()
    (arrived,) = smtp_server.mails
    words, status = people.decrypted(armour(arrived.raw))
    assert SECRET.encode() in words
    assert SECRET.encode() not in arrived.raw
    assert "GOODSIG" in status
    assert message is not None
    assert SECRET.encode() in readable(message)
    assert MailSecurity.objects.get().encrypted == "pgp"


@pytest.mark.parametrize(("hides", "outside"), [(True, "[...]"), (False, "Re: The lamp flickers")])
def test_the_subject_goes_inside_where_that_is_set(
    people: Gnupg, write: Write, smtp_server: SmtpServer, hides: bool, outside: str
) -> None:
    Options.objects.update(hides_subject=hides)
    write(ANN, text="Hello.")
    send_everything()
    (arrived,) = smtp_server.mails
    assert str(parsed(arrived.raw)["subject"]).startswith(outside)
    assert b"The lamp flickers" in people.decrypted(armour(arrived.raw))[0]
