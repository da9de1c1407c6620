"""What is asked of the log: a condition, topics, a time; as it is typed, as it is read, as a command. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventops.records.model import Tail
from eventops.where import Where
from eventops.wording import moment

_BEGINNING: Final = "beginning"


@dataclass(frozen=True)
class Query:
    """What the fields say."""

    where: str = ""
    topics: str = ""
    since: str = "15m"
    until: str = ""

    def condition(self) -> Where | None:
        """
        Raises:
            UsageError: it isn't CEL.
        """
        return Where.of(self.where) if self.where else None

    def tail(self, now: datetime) -> Tail:
        """What is to be read.

        >>> from datetime import UTC
        >>> noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
        >>> Query(topics="orders*, users", since="beginning").tail(noon).topics
        ('orders*', 'users')
        >>> str(Query(since="1h").tail(noon).since)
        '2026-01-15 11:00:00+00:00'

        Raises:
            ValueError: a time is none.
        """
        topics = tuple(name for name in self.topics.replace(",", " ").split() if name)
        from_start = self.since in ("", _BEGINNING)
        since = None if from_start else _moment("from", self.since, now)
        until = _moment("until", self.until, now) if self.until and self.until != "now" else None
        if since is not None and until is not None and until <= since:
            raise ValueError("until lies before from: nothing is in between")
        return Tail(topics, since, from_start=from_start, follows=False, until=until)

    @property
    def words(self) -> tuple[str, ...]:
        """The command that prints the same."""
        topics = [word for name in self.topics.replace(",", " ").split() for word in ("--topic", name)]
        where = ("--where", self.where) if self.where else ()
        until = ("--until", self.until) if self.until and self.until != "now" else ()
        return ("events", "tail", *topics, *where, "--from", self.since or _BEGINNING, *until, "-e")


def _moment(field: str, text: str, now: datetime) -> datetime:
    try:
        return moment(text, now)
    except (ValueError, OverflowError):
        raise ValueError(f"{field}: {text!r} is no time: write 15m, 2026-01-15T10:30:00Z or beginning") from None
