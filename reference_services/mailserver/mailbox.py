"""What the server keeps and whom it refuses."""

from __future__ import annotations

import fnmatch
from collections import deque
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

LATEST = 50_000
"""How many mails are kept in memory; of more, the latest."""


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One mail taken for one recipient."""

    to: str
    subject: str
    message_id: str
    event_id: str
    correlation_id: str

    def shown(self) -> dict[str, str]:
        """As the control interface shows it."""
        return {
            "to": self.to,
            "subject": self.subject,
            "message_id": self.message_id,
            "event_id": self.event_id,
            "correlation_id": self.correlation_id,
        }


class Mailbox:
    """aiosmtpd's handler; ``directory`` also gets each mail as a file, None keeps them in memory only."""

    def __init__(self, directory: Path | None = None) -> None:
        self.mails: deque[KeptMail] = deque(maxlen=LATEST)
        self._taken = 0
        self.refused: set[str] = set()
        self._directory = directory
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            self._taken = max((int(path.stem) for path in directory.glob("[0-9]*.eml")), default=0)

    def refuses(self, address: str) -> bool:
        """True when a pattern (as in file names, case ignored) fits the address."""
        return any(fnmatch.fnmatchcase(address.lower(), pattern.lower()) for pattern in self.refused)

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """The answer to RCPT TO."""
        if self.refuses(address):
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The answer to DATA: the mail is kept."""
        content: Any = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        mail = message_from_bytes(raw, policy=policy.default)
        headers = [str(mail.get(name, "")) for name in ("Subject", "Message-ID", "X-Event-Id", "X-Correlation-Id")]
        for address in envelope.rcpt_tos:
            self.mails.append(KeptMail(address, *headers))
            self._taken += 1
            self._write(raw)
        return "250 OK"

    def _write(self, raw: bytes) -> None:
        if self._directory is not None:
            (self._directory / f"{self._taken:06}.eml").write_bytes(raw)
