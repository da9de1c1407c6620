"""Who is asked for groups, offsets and topics: the second client where it can connect as the settings say, else
librdkafka, which knows fewer kinds of groups and takes one group a request.

Importing the second client takes longer than many a question. Until it is up, librdkafka is asked for topics and bounds
where they are few; only an answer without any failure counts, so a broker that is silent costs nobody else's figures.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError

from eventops.adapters.kafka import admin, groups, offsets
from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import hidden_topic, is_forbidden, is_gone, named, unreachable
from eventops.errors import BrokerUnreachable, NotPermitted
from eventops.events import Partition
from eventops.ports import NOT_PERMITTED, Bounds, Cluster, Committed, Gap, Groups, Head, Range, Topic

if TYPE_CHECKING:
    from eventops.adapters.kafka.wire.client import Wire
    from eventops.adapters.kafka.wire.coordinators import Coordinators

_FEW: Final = 500
"""Partitions or topics up to which librdkafka answers sooner than the second client is imported."""

_AT_ONCE: Final = 1.0
"""Seconds that such an answer may take."""

_UNSUPPORTED: Final = "share and streams groups can't be read with these settings"


@dataclass(frozen=True, slots=True)
class _Second:
    wire: Wire
    coordinators: Coordinators
    nodes: dict[Partition, int] = field(default_factory=dict)
    """Who led the partitions whose bounds were asked for last."""


_IMPORTING: Final = threading.Lock()


class Reading:
    """The questions that both clients can answer. Connects on first use."""

    def __init__(self, connection: Connection, answer_within: float) -> None:
        self._connection = connection
        self._answer_within = answer_within
        self._lock = threading.Lock()
        self._second: _Second | None = None
        self._why_not: str | None = None

    def cluster(self) -> Cluster:
        """Who answers."""
        _import_second_client()
        from eventops.adapters.kafka.wire import metadata

        with self._asked() as second:
            return metadata.cluster(second.wire) if second else admin.cluster(self._connection)

    def topics(self, names: Collection[str]) -> tuple[Topic, ...]:
        """All topics, or those of ``names`` that exist. One that may not be seen in a list of all is left out.

        Raises:
            NotPermitted: a topic that was asked for by name may not be described.
        """
        if self._is_only_librdkafka_up() and (soon := admin.topics_soon(self._connection, names, _FEW, _AT_ONCE)):
            return soon
        _import_second_client()
        from eventops.adapters.kafka.wire import metadata

        with self._asked() as second:
            if second is None:
                return admin.topics(self._connection, names)
            found, failures = metadata.topics(second.wire, names)
        for name, error in ((name, KafkaError(code)) for name, code in failures.items()):
            if names and is_forbidden(error):
                raise hidden_topic(self._connection.servers, name)
            if not is_forbidden(error):
                raise self._connection.failure(error)
        return found

    def retention(self, names: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """Configuration a topic; one that is gone, or whose configuration may not be read, is left out."""
        if self._is_only_librdkafka_up():
            return admin.retention(self._connection, names)
        from eventops.adapters.kafka.wire import metadata

        with self._asked() as second:
            if second is None:
                return admin.retention(self._connection, names)
            found, failures = metadata.configuration(second.wire, names)
        for error in map(KafkaError, failures.values()):
            if not (is_gone(error) or is_forbidden(error)):
                raise self._connection.failure(error)
        return found

    def groups(self, names: Collection[str]) -> Groups:
        """Groups of every kind, as far as the client that is asked knows them."""
        _import_second_client()
        from eventops.adapters.kafka.wire import groups as wired

        with self._asked() as second:
            if second is not None:
                return wired.groups(second.wire, second.coordinators, names)
            return groups.groups(self._connection, names, f"{_UNSUPPORTED}: {self._why_not}")

    def committed_offsets(self, names: Collection[str]) -> Committed:
        """Committed offsets of those groups."""
        _import_second_client()
        from eventops.adapters.kafka.wire import offsets as wired

        with self._asked() as second:
            if second is None:
                return offsets.committed_offsets(self._connection, names)
            found = wired.committed_offsets(second.wire, second.coordinators, names)
            self._raise_if_nobody_answered(second.wire, len(found.offsets), found.gaps)
            return found

    def share_progress(self, names: Collection[str]) -> Committed:
        """How far share groups are."""
        _import_second_client()
        from eventops.adapters.kafka.wire import offsets as wired

        with self._asked() as second:
            if second is None:
                why = f"{_UNSUPPORTED}: {self._why_not}"
                return Committed({}, tuple(Gap(name, None, why) for name in sorted(set(names))))
            return wired.share_progress(second.wire, second.coordinators, names)

    def log_bounds(self, partitions: Collection[Partition]) -> Bounds:
        """Start, last stable offset and high watermark."""
        if self._is_only_librdkafka_up() and len(partitions) <= _FEW:
            with suppress(BrokerUnreachable):
                soon = offsets.log_bounds(self._connection, partitions, _AT_ONCE)
                if not soon.gaps:
                    return soon
        _import_second_client()
        from eventops.adapters.kafka.wire import offsets as wired

        with self._asked() as second:
            if second is None:
                return offsets.log_bounds(self._connection, partitions)
            found = wired.log_bounds(second.wire, partitions, self._connection.timeout, second.nodes)
            self._raise_if_nobody_answered(second.wire, len(found.bounds), found.gaps)
            return found

    def heads(self, ranges: Collection[Range]) -> Mapping[Range, Head]:
        """What stands first in each range, by the second client alone."""
        if self._second is None:
            return {}
        from eventops.adapters.kafka.wire import heads

        with self._asked() as second:
            return heads.heads(second.wire, second.nodes, ranges) if second else {}

    def prepare(self) -> None:
        """Import the second client meanwhile, for the questions that come after a search."""
        if self._is_only_librdkafka_up():
            threading.Thread(target=_import_second_client, name="importing", daemon=True).start()

    def _is_only_librdkafka_up(self) -> bool:
        return self._second is None

    def close(self) -> None:
        """Let go of every connection; a later question would connect anew."""
        with self._lock:
            if self._second is not None:
                self._second.wire.close()
            self._second = None

    @contextmanager
    def _asked(self) -> Iterator[_Second | None]:
        """The second client, None where librdkafka is to be asked.

        Raises:
            BrokerUnreachable: no broker answers.
        """
        from eventops.adapters.kafka.wire.client import NoWire

        self._connection.admin()  # tells best who isn't there, and why
        try:
            yield self._connected()
        except NoWire as silence:
            seconds = self._answer_within
            raise unreachable(self._connection.servers, seconds, self._connection.heard) from silence

    def _connected(self) -> _Second | None:
        from eventops.adapters.kafka.wire.client import NoWire, Wire
        from eventops.adapters.kafka.wire.coordinators import Coordinators
        from eventops.adapters.kafka.wire.settings import NotCarriedOver, carried_over

        with self._lock:
            if self._second is None and self._why_not is None:
                try:
                    wire = Wire(carried_over(self._connection.properties), self._answer_within)
                except (NotCarriedOver, NoWire) as reason:
                    self._why_not = str(reason)
                else:
                    self._second = _Second(wire, Coordinators(wire, self._connection.timeout))
            return self._second

    def _raise_if_nobody_answered(self, wire: Wire, answered: int, gaps: Collection[Gap]) -> None:
        """Some failures among answers are gaps; nothing but silence, or nothing but refusals, is an error."""
        if answered or not gaps:
            return
        if wire.is_silent():
            raise unreachable(self._connection.servers, self._answer_within, self._connection.heard)
        refused = [gap.reason for gap in gaps if gap.reason.startswith(NOT_PERMITTED)]
        if len(refused) == len(gaps):
            about = named(gap.subject for gap in gaps)
            why = refused[0].removeprefix("not permitted: ")
            raise NotPermitted(f"{self._connection.servers} forbids it for {about}", why)


def _import_second_client() -> None:
    """By one thread at a time: kafka-python's modules import each other in circles, in which two threads that came in
    at different places end with a deadlock that Python notices and raises."""
    with _IMPORTING:
        _import_all()


def _import_all() -> None:
    from eventops.adapters.kafka.wire import client, coordinators, groups, heads, metadata, offsets, settings  # noqa: F401
