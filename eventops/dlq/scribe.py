"""Writes the ledger's records for one run: what was done about which letter, and who is at it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from operator import attrgetter

from eventops.dlq import ledger, ledger_format
from eventops.dlq.model import State
from eventops.dlq.replay_model import Plan, Planned
from eventops.dlq.rows import Entry, Lease, Sheet, lease_key
from eventops.events import Position
from eventops.ports import Appended, Outgoing, Rejected

_Shared = tuple[str, int, str | None, str | None, str | None]
Told = tuple[_Shared, tuple[int, int, str]]
"""What a row tells of a letter before it is known where its record stands."""

_shared: Callable[[Planned], _Shared] = attrgetter(
    "target_topic", "attempt", "letter.group", "letter.cause.kind", "change"
)
_letter: Callable[[Planned], tuple[int, int, str]] = attrgetter("source.partition", "source.offset", "content")


class Scribe:
    """``partition`` is the ledger's that has this dead-letter topic's rows."""

    def __init__(self, plan: Plan, operator: str, partition: int, now: Callable[[], datetime]) -> None:
        self._plan = plan
        self._operator = operator
        self._partition = partition
        self._now = now
        self._source = plan.planned[0].source
        self._since = now()

    def rows(
        self, told: Iterable[Told], state: State, targets: Iterable[Position | None], reason: str | None = None
    ) -> Iterator[Outgoing]:
        """The ledger's records about letters; ``targets`` are where they were appended."""
        grouped: dict[_Shared, list[Entry]] = {}
        last: _Shared | None = None
        entries: list[Entry] = []
        for (shared, letter), target in zip(told, targets, strict=True):
            if shared != last:  # most are like the one before
                last, entries = shared, grouped.setdefault(shared, [])
            entries.append(letter if target is None else (*letter, target.partition, target.offset))
        at = self._now()
        for shared, found in grouped.items():
            left = iter(found)
            while letters := tuple(islice(left, ledger_format.SHEET_ROWS)):
                sheet = self._sheet(shared, state, at, reason or self._plan.reason, letters)
                yield self._record(sheet.key, ledger_format.encode(sheet))

    def lease(self) -> Outgoing:
        """A sign of life."""
        source, plan = self._source, self._plan
        lease = Lease(
            source.topic_id,
            plan.selection.topic,
            plan.run_id,
            self._operator,
            socket.gethostname(),
            os.getpid(),
            self._since,
            self._now(),
        )
        return self._record(lease.key, ledger_format.encode_lease(lease))

    def give_back(self) -> Outgoing:
        """The end of the lease."""
        return self._record(lease_key(self._source.topic_id), None)

    def _sheet(
        self, shared: _Shared, state: State, at: datetime, reason: str | None, letters: tuple[Entry, ...]
    ) -> Sheet:
        target_topic, attempt, group, cause, change = shared
        return Sheet(
            cluster_id=self._source.cluster_id,
            topic=self._plan.selection.topic,
            topic_id=self._source.topic_id,
            state=state,
            target_topic=target_topic,
            operator=self._operator,
            at=at,
            run_id=self._plan.run_id,
            attempt=attempt,
            reason=reason,
            group=group,
            cause=cause,
            change=change,
            letters=letters,
        )

    def _record(self, key: bytes, value: bytes | None) -> Outgoing:
        return Outgoing(ledger.TOPIC, key, value, partition=self._partition)


def is_alive(lease: Lease) -> bool:
    """Whether its process may still run: another machine's may, and where the system can't be asked harmlessly."""
    if lease.host != socket.gethostname() or os.name != "posix":
        return True
    try:
        os.kill(lease.pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def told_of(one: Planned) -> Told:
    """What its row will tell of a letter."""
    return _shared(one), _letter(one)


def outgoing(chunk: Iterable[Planned], told: list[Told]) -> Iterator[Outgoing]:
    """What is put back, as it is appended; on the way ``told`` is filled with what the rows will tell. One letter after
    the other: a second walk through a large plan would find nothing of it in the processor's cache."""
    for one in chunk:
        told.append(told_of(one))
        yield Outgoing(one.target_topic, one.key, one.value, one.headers, one.target_partition)


def reason_of(answer: Appended) -> str:
    """Why a record was refused."""
    return answer.reason if isinstance(answer, Rejected) else "the broker gave no reason"
