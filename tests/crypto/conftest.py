"""One small world of certificates for the whole session: root -> intermediate -> persons."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.crypto.gnupg import gnupg  # noqa: F401 - a fixture
from tests.crypto.pki import AUTHORITY, PERSON, Pki, Ring


def _person(address: str) -> str:
    return f"{PERSON}\nsubjectAltName=email:{address}"


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    if shutil.which("openssl") is None:
        pytest.fail("openssl is missing: these tests need the real program")
    made = Pki(Path(tmp_path_factory.mktemp("pki")))
    made.make("root", by="root", extensions=AUTHORITY)
    made.make("middle", by="root", extensions=AUTHORITY)
    made.make("ann", by="root", extensions=_person("ann@klant.example"), algorithm="rsa")
    made.make("eve", by="root", extensions=_person("eve@klant.example"))
    made.make("nina", by="root", extensions=_person("ann@klant.example"))
    made.make("support", by="root", extensions=_person("support@bedrijf.example"), algorithm="rsa")
    made.make("sales", by="root", extensions=_person("sales@bedrijf.example"))
    made.make("chained", by="middle", extensions=_person("ann@klant.example"))
    made.make("alone", by="alone", extensions=_person("ann@klant.example"))
    return made


@pytest.fixture(scope="session")
def ring(pki: Pki) -> Ring:
    """Ours are support (RSA) and sales (EC); the root is trusted."""
    return Ring(ours=[pki.key("support"), pki.key("sales")], trusted=[pki.public("root")])
