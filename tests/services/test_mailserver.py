"""The mail server keeps, refuses, and is really away."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from reference_services.kit.tracing import Tracing
from reference_services.notifications.handlers import Mail
from reference_services.notifications.mailer import Mailer, is_final
from tests.services.processes import Running, Stack, mail_environ, until


def mail_to(address: str) -> Mail:
    return Mail(address, "Grüße", "body", "<e1@notifications.example>", "e1", "req-1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    services = Stack(tmp_path, {"MAIL_DIR": str(tmp_path / "mails")})
    yield services.start("mailserver")
    services.end()


@pytest.fixture
def mailer(server: Running) -> Mailer:
    environ = mail_environ(server)
    return Mailer(environ["SMTP_HOST"], int(environ["SMTP_PORT"]), Tracing("test", {}))


def test_mails_are_kept_with_their_ids(server: Running, mailer: Mailer, tmp_path: Path) -> None:
    mailer.send(mail_to("ann@example.com"))
    assert httpx.get(f"{server.http}/mails").json() == [
        {
            "to": "ann@example.com",
            "subject": "Grüße",
            "message_id": "<e1@notifications.example>",
            "event_id": "e1",
            "correlation_id": "req-1",
        }
    ]
    (kept,) = (tmp_path / "mails").glob("*.eml")
    assert b"X-Event-Id: e1" in kept.read_bytes()


def test_addresses_are_refused_until_they_are_not(server: Running, mailer: Mailer) -> None:
    httpx.post(f"{server.http}/refuse", json={"pattern": "*@refused.example"}).raise_for_status()
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        mailer.send(mail_to("Bob@Refused.example"))
    assert "@" not in str(refused.value), "the words go into logs"
    assert is_final(refused.value)
    mailer.send(mail_to("ann@example.com"))
    httpx.delete(f"{server.http}/refuse").raise_for_status()
    mailer.send(mail_to("bob@refused.example"))
    assert len(httpx.get(f"{server.http}/mails").json()) == 2


def test_during_an_outage_nobody_listens_and_then_the_same_port_answers(server: Running, mailer: Mailer) -> None:
    httpx.post(f"{server.http}/outage", json={"seconds": 1.0}).raise_for_status()
    with pytest.raises(ConnectionRefusedError):
        mailer.send(mail_to("ann@example.com"))

    def is_back() -> bool:
        try:
            mailer.send(mail_to("ann@example.com"))
        except ConnectionRefusedError:
            return False
        return True

    until(is_back)
    assert len(httpx.get(f"{server.http}/mails").json()) == 1


@pytest.mark.parametrize("address", ["a\r\nBcc: eve@example.com", "a@b.example\r\nRCPT TO:<eve@example.com>"])
def test_an_address_that_breaks_the_lines_is_never_sent(server: Running, mailer: Mailer, address: str) -> None:
    with pytest.raises(ValueError, match=r"[Hh]eader|linefeed|newline") as broken:
        mailer.send(mail_to(address))
    assert is_final(broken.value)
    assert httpx.get(f"{server.http}/mails").json() == []
