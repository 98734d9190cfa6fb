"""Certificates and keys for tests, made by openssl and gpg, the programs that people use. Once per session."""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

LISTS = "crlDistributionPoints=URI:http://lists.example/issuing.crl\n"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def gpg(home: Path, *arguments: str, given: bytes = b"") -> bytes:
    usual = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
    return subprocess.run([*usual, *arguments], input=given, check=True, capture_output=True).stdout


@cache
def made_once() -> Path:
    """The folder with all of them; it goes when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="pv-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_keys(folder)


def make_keys(folder: Path) -> Path:
    """root.pem, inter.pem, support.pem/.key/.p12 (password geheim123), ann.pem, revoked.crl; bjorn.asc, support.sec.asc (zebra-lock)."""
    authority(folder)
    person(folder, "support", "Support Lamps", "support@example.org", days=25)
    person(folder, "ann", "Ann Archer", "ann@customer.example", days=700)
    openssl(folder, "pkcs12", "-export", "-inkey", "support.key", "-in", "support.pem", "-certfile", "inter.pem",
            "-passout", "pass:geheim123", "-out", "support.p12")  # fmt: skip
    revocation_list(folder)
    openpgp(folder)
    return folder


def authority(folder: Path) -> None:
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        folder,
        *new,
        "-x509",
        "-keyout",
        "root.key",
        "-out",
        "root.pem",
        "-days",
        "3650",
        "-subj",
        "/O=Lamps BV/CN=Lamps Root",
    )
    openssl(folder, *new, "-keyout", "inter.key", "-out", "inter.csr", "-subj", "/O=Lamps BV/CN=Lamps Issuing")
    usage = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
    sign(folder, "inter", "root", usage, days=1800)


def person(folder: Path, name: str, common_name: str, email: str, *, days: int) -> None:
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", f"/O=Lamps BV/CN={common_name}/emailAddress={email}")  # fmt: skip
    usage = (
        "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyAgreement\nextendedKeyUsage=emailProtection\n"
    )
    sign(folder, name, "inter", f"{usage}{LISTS}subjectAltName=email:{email}\n", days=days)


def sign(folder: Path, name: str, by: str, extensions: str, *, days: int) -> None:
    (folder / f"{name}.ext").write_text(extensions)
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", str(days), "-extfile", f"{name}.ext")  # fmt: skip


def revocation_list(folder: Path) -> None:
    """Of the issuing authority: Ann's certificate is withdrawn."""
    (folder / "index").write_text("")
    settings = "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\n"
    (folder / "ca.cnf").write_text(settings)
    by = ("-config", "ca.cnf", "-keyfile", "inter.key", "-cert", "inter.pem")
    openssl(folder, "ca", *by, "-revoke", "ann.pem")
    openssl(folder, "ca", *by, "-gencrl", "-out", "revoked.crl")


def openpgp(folder: Path) -> None:
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    (home / "gpg-agent.conf").write_text("s2k-count 65536\n")
    make = ("--quick-generate-key",)
    gpg(home, "--passphrase", "zebra-lock", *make, "Support <support@example.org>", "ed25519", "default", "2y")
    gpg(home, "--passphrase", "", *make, "Björn Müller <bjorn@customer.example>", "ed25519", "default", "never")
    (folder / "bjorn.asc").write_bytes(gpg(home, "--armor", "--export", "bjorn@customer.example"))
    secret = gpg(home, "--passphrase", "zebra-lock", "--armor", "--export-secret-keys", "support@example.org")
    (folder / "support.sec.asc").write_bytes(secret)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, env=dict(os.environ))
