"""Writes the ledger's records for one run: what was done about which letter, and who is at it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

from eventops.dlq import ledger, ledger_format
from eventops.dlq.model import State
from eventops.dlq.replay_model import Plan, Planned, Told
from eventops.dlq.rows import Entry, Lease, Sheet, lease_key
from eventops.ports import Appended, Outgoing, Place, Rejected

Beginning = tuple[Told, tuple[int, int, str]]
"""What a row tells of a letter before it is known where its record stands."""


class Scribe:
    """``partition`` is the ledger's that has this dead-letter topic's rows."""

    def __init__(self, plan: Plan, operator: str, partition: int, now: Callable[[], datetime]) -> None:
        self._plan = plan
        self._operator = operator
        self._partition = partition
        self._now = now
        self._source = plan.planned[0].source
        self._since = now()
        self._ends = tuple(sorted((home.partition, end) for home, end in plan.ends.items()))

    def rows(
        self, begun: Iterable[Beginning], state: State, places: Iterable[Place | None], reason: str | None = None
    ) -> Iterator[Outgoing]:
        """The ledger's records about letters; ``places`` are where they were appended."""
        grouped: dict[Told, list[Entry]] = {}
        last: Told | None = None
        entries: list[Entry] = []
        for (told, letter), place in zip(begun, places, strict=True):
            if told is not last:  # most are like the one before
                last, entries = told, grouped.setdefault(told, [])
            entries.append(letter + place if place else letter)
        at = self._now()
        for told, found in grouped.items():
            left = iter(found)
            while letters := tuple(islice(left, ledger_format.SHEET_ROWS)):
                sheet = self._sheet(told, state, at, reason or self._plan.reason, letters)
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

    def _sheet(self, told: Told, state: State, at: datetime, reason: str | None, letters: tuple[Entry, ...]) -> Sheet:
        return Sheet(
            cluster_id=self._source.cluster_id,
            topic=self._plan.selection.topic,
            topic_id=self._source.topic_id,
            state=state,
            target_topic=told.target_topic,
            operator=self._operator,
            at=at,
            run_id=self._plan.run_id,
            attempt=told.attempt,
            reason=reason,
            group=told.group,
            cause=told.cause,
            change=told.change,
            letters=letters,
            ends=self._ends if state is State.REPLAYED else (),
            target_id=self._plan.target_ids.get(told.target_topic),
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


def beginning(one: Planned) -> Beginning:
    """What its row will tell of a letter."""
    source = one.source
    return one.told, (source.partition, source.offset, one.content)


def outgoing(chunk: Iterable[Planned], begun: list[Beginning]) -> Iterator[Outgoing]:
    """What is put back, as it is appended; on the way ``begun`` is filled with what the rows will tell. One letter
    after the other: a second walk through a large plan would find nothing of it in the processor's cache."""
    for one in chunk:
        begun.append(beginning(one))
        yield one.record


def reason_of(answer: Appended) -> str:
    """Why a record was refused."""
    return answer.reason if isinstance(answer, Rejected) else "the broker gave no reason"
