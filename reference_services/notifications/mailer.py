"""Sending a mail over SMTP, and which refusals are final."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from reference_services.kit.retry import is_permanent
from reference_services.kit.tracing import Tracing
from reference_services.notifications.handlers import Mail

SENDER = "shop@notifications.example"
TIMEOUT_SECONDS = 5.0


class Mailer:
    """One connection a mail: simple, and an outage is noticed at once."""

    def __init__(self, host: str, port: int, tracing: Tracing) -> None:
        self._host = host
        self._port = port
        self._tracing = tracing

    def send(self, mail: Mail) -> None:
        """Hand the mail to the server; returns when the server has taken it.

        Raises:
            ValueError: the mail can't be written down (a line feed in its address, say).
            OSError: the server isn't there.
            smtplib.SMTPException: it refuses; :func:`is_final` tells for how long. The address isn't in its words: they
                go into logs.
        """
        message = _written(mail)
        try:
            with (
                self._tracing.mailing(self._host, self._port),
                smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS) as server,
            ):
                server.send_message(message, SENDER, [mail.to])
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = refused.recipients[mail.to]
            unnamed = {"the recipient": (code, words.replace(mail.to.encode(), b"the recipient"))}
            raise smtplib.SMTPRecipientsRefused(unnamed) from None


def is_final(error: Exception) -> bool:
    """5xx is the server's no; 4xx, a refused or lost connection and a timeout may pass.

    >>> is_final(smtplib.SMTPRecipientsRefused({"a@refused.example": (550, b"no such user")}))
    True
    >>> is_final(smtplib.SMTPRecipientsRefused({"a@b.example": (451, b"try later")})), is_final(TimeoutError())
    (False, False)
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return 500 <= error.smtp_code < 600
    return isinstance(error, smtplib.SMTPNotSupportedError) or is_permanent(error)


def _written(mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Message-ID"] = mail.message_id
    message["X-Event-Id"] = mail.event_id
    message["X-Correlation-Id"] = mail.correlation_id
    message.set_content(mail.body)
    return message
