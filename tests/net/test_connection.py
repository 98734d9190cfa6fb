"""Connecting: every way it can fail has its own code, for all three protocols."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from postvak.log.problems import sentence
from postvak.net.connection import ConnectionProblem, Endpoint, Problem, Security, without_secrets
from postvak.receive import imap, pop3
from postvak.send import smtp
from tests.servers import free_port
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import HANG_UP, scripted
from tests.servers.smtpd import SmtpServer

Connect = Callable[[Endpoint], object]
PROTOCOLS: dict[str, Connect] = {
    "imap": lambda endpoint: imap.probe(endpoint, ["INBOX"]),
    "pop3": pop3.probe,
    "smtp": smtp.probe,
}
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
every_security = pytest.mark.parametrize("security", list(Security))


@pytest.fixture(scope="module")
def servers(dovecot: Dovecot) -> Iterator[dict[str, Callable[[Security], Endpoint]]]:
    """Protocol -> endpoint of a running server where ann may log in."""
    dovecot.add_user("connect", "geheim")
    with SmtpServer.running(users={"connect": "geheim"}) as server:
        yield {
            "imap": lambda security: dovecot.imap_endpoint("connect", "geheim", security),
            "pop3": lambda security: dovecot.pop3_endpoint("connect", "geheim", security),
            "smtp": lambda security: server.endpoint(security, "connect", "geheim"),
        }


def failure(protocol: str, endpoint: Endpoint) -> ConnectionProblem:
    with pytest.raises(ConnectionProblem) as caught:
        PROTOCOLS[protocol](endpoint)
    return caught.value


@every_security
@every_protocol
def test_it_connects_with_the_own_ca(servers, protocol, security):
    assert PROTOCOLS[protocol](servers[protocol](security)).said


@pytest.mark.parametrize("security", [Security.starttls, Security.tls])
@every_protocol
def test_a_certificate_of_an_unknown_ca_is_refused(servers, protocol, security):
    problem = failure(protocol, replace(servers[protocol](security), ca_pem=""))
    assert problem.problem is Problem.tls_untrusted
    assert "certificate verify failed" in problem.said


@pytest.mark.parametrize("security", [Security.starttls, Security.tls])
@every_protocol
def test_without_verification_any_certificate_will_do(servers, protocol, security):
    assert PROTOCOLS[protocol](replace(servers[protocol](security), ca_pem="", verify=False)).said


def test_a_certificate_for_another_name_is_refused():
    with SmtpServer.running(names=("mail.example.org",)) as server:
        problem = failure("smtp", server.endpoint(Security.tls))
    assert problem.problem is Problem.tls_untrusted
    assert "localhost" in problem.said


@every_protocol
def test_a_ca_that_is_no_pem_text_is_said_so(servers, protocol):
    problem = failure(protocol, replace(servers[protocol](Security.tls), ca_pem="hello"))
    assert problem.problem is Problem.tls_untrusted
    assert "PEM" in problem.said


def test_a_self_signed_certificate_is_trusted_when_it_is_given_itself():
    with SmtpServer.running(self_signed=True) as server:
        assert smtp.probe(server.endpoint(Security.tls)).said
        problem = failure("smtp", replace(server.endpoint(Security.tls), ca_pem=""))
    assert problem.problem is Problem.tls_untrusted


@every_protocol
def test_a_host_that_does_not_exist_is_unknown(protocol):
    problem = failure(protocol, Endpoint("mail.postvak.invalid", 25, Security.none))
    assert problem.problem is Problem.unknown_host
    assert problem.details["host"] == "mail.postvak.invalid"


@every_protocol
def test_a_host_name_that_cannot_exist_is_unknown(protocol):
    assert failure(protocol, Endpoint("mail..example", 25, Security.none)).problem is Problem.unknown_host


@every_protocol
def test_a_port_where_nobody_listens_refuses(protocol):
    port = free_port()
    problem = failure(protocol, Endpoint("127.0.0.1", port, Security.none))
    assert (problem.problem, problem.details["port"]) == (Problem.refused, str(port))


@every_security
@every_protocol
def test_a_server_that_says_nothing_times_out(protocol, security):
    with scripted(b"") as port:
        endpoint = Endpoint("127.0.0.1", port, security, connect_timeout=0.3, read_timeout=0.3)
        assert failure(protocol, endpoint).problem is Problem.timeout


@pytest.mark.parametrize(
    ("protocol", "greeting"),
    [("imap", b"* OK hi\r\n"), ("pop3", b"+OK hi\r\n"), ("smtp", b"220 hi\r\n")],
)
def test_a_server_that_stops_answering_times_out(protocol, greeting):
    with scripted(greeting) as port:
        endpoint = Endpoint("127.0.0.1", port, Security.none, connect_timeout=5, read_timeout=0.3)
        assert failure(protocol, replace(endpoint, connect_timeout=0.3)).problem is Problem.timeout


@pytest.mark.parametrize(
    ("protocol", "greeting"),
    [("imap", b"* OK hi\r\n"), ("pop3", b"+OK hi\r\n"), ("smtp", b"220 hi\r\n")],
)
def test_a_server_that_hangs_up_is_closed(protocol, greeting):
    with scripted(greeting, lambda _line: HANG_UP) as port:
        assert failure(protocol, Endpoint("127.0.0.1", port, Security.none)).problem is Problem.closed


@pytest.mark.parametrize(
    ("protocol", "greeting", "said"),
    [
        (
            "imap",
            b"* BYE [ALERT] Too many connections, come back later\r\n",
            "[ALERT] Too many connections, come back later",
        ),
        ("pop3", b"-ERR [SYS/TEMP] server too busy\r\n", "[SYS/TEMP] server too busy"),
        ("smtp", b"421 4.3.2 service not available\r\n", "421 4.3.2 service not available"),
    ],
)
def test_a_server_that_greets_with_not_now_is_unavailable(protocol, greeting, said):
    with scripted(greeting) as port:
        problem = failure(protocol, Endpoint("127.0.0.1", port, Security.none, username="ann", password="geheim"))
    assert (problem.problem, problem.said) == (Problem.unavailable, said)
    what, remedy = sentence(problem.problem, problem.details)
    assert what == "127.0.0.1 takes no connections at the moment."
    assert "tries again by itself" in remedy


@pytest.mark.parametrize(
    ("protocol", "greeting"),
    [("imap", b"HTTP/1.1 400 Bad Request\r\n"), ("pop3", b"HTTP/1.1 400 Bad Request\r\n"), ("smtp", b"hello?\r\n")],
)
def test_a_greeting_of_another_kind_of_server_is_not_called_busy(protocol, greeting):
    with scripted(greeting) as port:
        problem = failure(protocol, Endpoint("127.0.0.1", port, Security.none, connect_timeout=2, read_timeout=2))
    assert problem.problem in {Problem.protocol, Problem.rejected}


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (b"-ERR [AUTH] wrong password\r\n", Problem.login_refused),
        (b"-ERR [IN-USE] somebody else\r\n", Problem.rejected),
        (b"what?\r\n", Problem.protocol),
        (b"\xff\xfe\x00\r\n", Problem.protocol),
        (b"535 no\r\n", Problem.protocol),
        (b"x" * 5000 + b"\r\n", Problem.protocol),
    ],
)
@pytest.mark.parametrize("command", [b"USER", b"PASS"])
def test_a_garbled_answer_to_a_log_in_by_pop3_is_no_wrong_password(refusal, expected, command):
    with scripted(b"+OK hi\r\n", lambda line: refusal if line.startswith(command) else b"+OK\r\n") as port:
        problem = failure("pop3", Endpoint("127.0.0.1", port, Security.none, username="ann", password="geheim"))
    assert problem.problem is expected


def test_a_garbled_answer_to_a_log_in_by_smtp_is_no_wrong_password():
    def answer(line: bytes) -> bytes:
        return b"250-hi\r\n250 AUTH PLAIN\r\n" if line.lower().startswith(b"ehlo") else b"what?\r\n"

    with scripted(b"220 hi\r\n", answer) as port:
        problem = failure("smtp", Endpoint("127.0.0.1", port, Security.none, username="ann", password="geheim"))
    assert problem.problem is Problem.protocol


@every_protocol
def test_tls_on_a_plain_port_fails_as_tls(servers, protocol):
    plain = servers[protocol](Security.none)
    assert failure(protocol, replace(plain, security=Security.tls)).problem is Problem.tls_failed


NO_STARTTLS = {
    "imap": (b"* OK hi\r\n", {b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n"}),
    "pop3": (b"+OK hi\r\n", {b"CAPA": b"+OK\r\nUSER\r\n.\r\n"}),
    "smtp": (b"220 hi\r\n", {b"ehlo": b"250-hi\r\n250 SIZE\r\n"}),
}


@every_protocol
def test_a_server_without_starttls_is_never_spoken_to_in_plain_text(protocol):
    greeting, answers = NO_STARTTLS[protocol]
    heard = []

    def answer(line: bytes) -> bytes:
        heard.append(line)
        said = next((said for word, said in answers.items() if word in line), b"")
        return said.replace(b"%s", line.split(b" ")[0])

    with scripted(greeting, answer) as port:
        endpoint = Endpoint("127.0.0.1", port, Security.starttls, username="ann", password="geheim", read_timeout=5)
        assert failure(protocol, endpoint).problem is Problem.no_starttls
    assert not any(b"geheim" in line or b"AUTH" in line or b"LOGIN" in line for line in heard)


@every_protocol
def test_a_wrong_password_is_told_in_the_servers_own_words(servers, protocol):
    problem = failure(protocol, replace(servers[protocol](Security.tls), password="wrong-secret"))
    assert problem.problem is Problem.login_refused
    expected = {
        "imap": "[AUTHENTICATIONFAILED] Authentication failed.",
        "pop3": "[AUTH] Authentication failed.",
        "smtp": "535 5.7.8 Authentication credentials invalid",
    }
    assert problem.said.startswith(expected[protocol])
    assert "wrong-secret" not in repr(problem) + str(problem)


def test_the_password_is_not_in_the_repr():
    assert "geheim" not in repr(Endpoint("h", 1, Security.tls, username="ann", password="geheim"))


def test_the_password_disappears_from_texts_also_when_encoded():
    endpoint = Endpoint("h", 1, Security.tls, username="ann", password="geheim")
    said = "you said geheim, Z2VoZWlt and AGFubgBnZWhlaW0="
    assert without_secrets(said, endpoint) == "you said •••, ••• and •••"
