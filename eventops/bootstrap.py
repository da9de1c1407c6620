"""Settings to adapters to the Desk: the one place where real things are chosen.

Nothing is imported before it is used: a command that asks for lag never loads the dead-letter room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eventops import config
from eventops.config import Context
from eventops.errors import NotPermitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventops.dlq.families import Conventions
    from eventops.dlq.model import Letter
    from eventops.dlq.service import DeadLetterService
    from eventops.events import Position, Reader, Record
    from eventops.groups.reset import ResetService
    from eventops.groups.service import GroupService
    from eventops.lag.service import LagService
    from eventops.local.service import LocalKafka
    from eventops.ports import Broker, Gap, TraceStore
    from eventops.records.service import RecordService
    from eventops.topics.model import Waiting
    from eventops.topics.service import TopicService
    from eventops.trace.service import TraceService


@dataclass(frozen=True)
class Desk:
    """The services of one cluster, for one face. Use it in a ``with`` block; it connects when first asked."""

    context: Context

    @cached_property
    def broker(self) -> Broker:
        """The cluster behind the context."""
        from eventops.adapters.kafka.broker import KafkaBroker
        from eventops.ports.attention import attended

        return attended(KafkaBroker(config.with_secrets(self.context.properties)))

    @cached_property
    def trace_store(self) -> TraceStore | None:
        """Where the context says its spans are kept; None: it doesn't.

        Raises:
            ConfigurationError: a setting is no text, or a secret's reference leads nowhere.
        """
        return _trace_store(self.context)

    @cached_property
    def reader(self) -> Reader:
        """Reads events by the field's conventions, and where the context says its producers keep ids.

        Raises:
            ConfigurationError: the context names places that are none.
        """
        from eventops.events import Places

        try:
            return Places.of(self.context.settings).reader
        except ValueError as error:
            raise config.ConfigurationError(f"the context {self.context.name}: {error}") from error

    @cached_property
    def lag(self) -> LagService:
        """Is anything falling behind?"""
        from eventops.lag.service import LagService

        return LagService(self.broker)

    @cached_property
    def groups(self) -> GroupService:
        """Who reads together, and where do they stand?"""
        from eventops.groups.service import GroupService

        return GroupService(self.broker)

    @cached_property
    def reset(self) -> ResetService:
        """Can a group be put elsewhere?"""
        from eventops.groups.reset import ResetService

        return ResetService(self.broker)

    @cached_property
    def topics(self) -> TopicService:
        """Which topics are there?"""
        from eventops.topics.service import TopicService

        return TopicService(self.broker, _Lags(self))

    @cached_property
    def conventions(self) -> Conventions:
        """How dead letters are told and read: the frameworks' ways, and what the context adds to them.

        Raises:
            ConfigurationError: what it adds makes no sense.
        """
        from eventops.dlq.settings import conventions

        return conventions(self.context.settings, self.reader)

    @cached_property
    def dlq(self) -> DeadLetterService:
        """What failed, and can it be put back?"""
        from eventops.dlq.service import DeadLetterService

        return DeadLetterService(self.broker, _operator(), self.conventions)

    @cached_property
    def records(self) -> RecordService:
        """What stands in the log?"""
        from eventops.records.service import RecordService

        return RecordService(self.broker, self.reader)

    @cached_property
    def trace(self) -> TraceService:
        """What happened to this request?"""
        from eventops.trace.service import TraceService

        return TraceService(self.broker, _Letters(self), self.reader, self.trace_store)

    def now(self) -> datetime:
        """The one clock of every report."""
        return datetime.now(UTC)

    def require_writable(self) -> None:
        """
        Raises:
            NotPermitted: the context is read-only.
        """
        if self.context.read_only:
            raise NotPermitted(
                f"the context {self.context.name} is read-only",
                remedy="take `eventops.read-only` out of it if you mean to write to this cluster",
            )

    def close(self) -> None:
        """Let go of the cluster, where it was asked at all."""
        if "broker" in self.__dict__:
            self.broker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Lags:
    """The lag room for topics: it is imported when somebody asks who reads one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def of_topic(self, topic: str, groups: Sequence[str], now: datetime) -> dict[str, Waiting]:
        """See :class:`eventops.topics.service.Lags`."""
        from eventops.lag.model import GroupSelection
        from eventops.selecting import NothingSelected
        from eventops.topics.model import Waiting

        try:
            told = self._desk.lag.snapshot(GroupSelection(tuple(groups), (topic,)), now).groups
        except NothingSelected:
            return {}
        return {group.group: Waiting(group.lag, group.reason) for group in told}


class _Letters:
    """The dead-letter room for a trace. What tells a letter is imported when something was found, while the search goes
    on; the rest, which is twice as much, when a letter was."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def letter_of(self, record: Record) -> Letter | None:
        """See :class:`eventops.trace.origins.Letters`."""
        from eventops.dlq.rules import letter_of

        return letter_of(record, self._desk.conventions)

    def origins_of(self, record: Record) -> tuple[Position, ...]:
        """See :class:`eventops.trace.origins.Letters`."""
        return self._desk.conventions.origins(record)

    def holds_letters(self, topic: str) -> bool:
        """See :class:`eventops.trace.origins.Letters`."""
        from eventops.dlq.rules import may_hold_letters

        return may_hold_letters(topic, self._desk.conventions)

    def judged(self, letters: Sequence[Letter]) -> tuple[tuple[Letter, ...], tuple[Gap, ...]]:
        """See :class:`eventops.trace.origins.Letters`."""
        return self._desk.dlq.judged(letters)


def desk_for(context: Context) -> Desk:
    """The Desk of a context."""
    return Desk(context)


def hurried_broker(context: Context, seconds: float) -> Broker:
    """The cluster of a context for one question that isn't worth waiting for any longer."""
    from eventops.adapters.kafka.broker import KafkaBroker

    return KafkaBroker(config.with_secrets(context.properties), seconds)


def local_kafka() -> LocalKafka:
    """The local Kafka of this machine's user."""
    from eventops.adapters.kafka.probe import answers
    from eventops.local.service import LocalKafka

    return LocalKafka(config.data_home(), config.contexts_path(), answers)


def _trace_store(context: Context) -> TraceStore | None:
    held = {name: context.settings[name] for name in config.TRACE_STORE if name in context.settings}
    if wrong := [name for name, value in held.items() if not isinstance(value, str)]:
        raise config.ConfigurationError(f"eventops.{wrong[0]} of the context {context.name} must be text")
    if ":" not in held.get("traces-token", ":"):
        raise config.ConfigurationError("eventops.traces-token goes by reference: env:NAME, file:PATH or keyring:…")
    told = config.with_secrets(held)
    headers = {"Authorization": f"Bearer {told['traces-token']}"} if "traces-token" in told else {}
    headers |= {"X-Scope-OrgID": told["traces-tenant"]} if "traces-tenant" in told else {}
    if "jaeger" in told:
        from eventops.adapters.jaeger import Jaeger

        return Jaeger(told["jaeger"], headers, told.get("traces-link"))
    if "tempo" in told:
        from eventops.adapters.tempo import Tempo

        return Tempo(told["tempo"], headers, told.get("traces-link"))
    return None


def _operator() -> str:
    """Who is at the desk, for the ledger: the login name at this machine's name."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
