"""Connected accounts in the TOML file: registered there, named by mailboxes and channels, no secret written out."""

from pathlib import Path

import pytest

from postvak.models import Channel, Grant, Mailbox
from postvak.setup.fields import SettingError
from postvak.setup.file import apply, export

FILE = """
[[grant]]
name = "Contoso"
provider = "microsoft"
flow = "client"
tenant = "contoso.example"
client_id = "8e1f"
client_secret = { env = "CONTOSO_SECRET" }
account = "info@contoso.example"
endpoints = { authorize = "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/authorize" }

[[channel]]
name = "Out"
host = "smtp.office365.com"
grant = "Contoso"

[[mailbox]]
name = "In"
host = "outlook.office365.com"
grant = "Contoso"
"""


@pytest.mark.django_db
def test_a_grant_of_the_file_is_used_by_its_mailbox_and_channel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONTOSO_SECRET", "never written out")
    assert apply(FILE, base=tmp_path)
    grant = Grant.objects.get()
    assert (grant.client_secret, grant.flow, list(grant.endpoints)) == ("never written out", "client", ["authorize"])
    assert Channel.objects.get(name="Out").grant == Mailbox.objects.get(name="In").grant == grant
    assert apply(FILE, base=tmp_path) == []
    written = export()
    assert "never written out" not in written
    assert apply(written, base=tmp_path) == []


@pytest.mark.django_db
def test_a_table_of_endpoints_holds_texts(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="write a table of texts"):
        apply('[[grant]]\nname = "X"\nprovider = "google"\nclient_id = "y"\nendpoints = { token = 5 }', base=tmp_path)
