"""Whether anybody still waits for an answer: a long reading tells how far it is, and ends when nobody does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar, cast

from eventops.ports.broker import Broker
from eventops.ports.nouns import Batch, Isolation, Plain, Range, Scanned

Seen = TypeVar("Seen")


class NobodyWaits(Exception):
    """The reading was ended on the way, for who had asked is gone."""


def _go_on() -> None:
    """Nothing is more urgent."""


class Attention:
    """One question's: what is read in the thread that holds it (:meth:`held`) is counted here.

    ``read`` and ``total`` are offsets passed so far and asked for so far; an answer may read several times.
    """

    def __init__(self, pause: Callable[[], None] = _go_on) -> None:
        self.pause = pause
        """Waits while something more urgent wants the interpreter; see :func:`breathe`."""
        self.read = 0
        self.total = 0
        self._is_gone = False

    def leave(self) -> None:
        """Nobody waits any more; may be called from any thread."""
        self._is_gone = True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Everything that this thread reads meanwhile is for this question."""
        before = _HELD.set(self)
        try:
            yield
        finally:
            _HELD.reset(before)

    def expect(self, offsets: int) -> None:
        """So much is going to be read."""
        self.total += offsets

    def note(self, records: int) -> None:
        """So many more were.

        Raises:
            NobodyWaits: who had asked is gone.
        """
        self.read += records
        self.pause()
        if self._is_gone:
            raise NobodyWaits("nobody waits for the answer any more")


def breathe() -> None:
    """Between two pieces of long work that is all computing, a millisecond each: whoever asked may let it wait."""
    held = _HELD.get()
    if held is not None:
        held.pause()


_HELD: Final[ContextVar[Attention | None]] = ContextVar("attention", default=None)


class _Attended:
    """A broker whose readings of whole ranges are counted and ended by whoever asked; the rest is the broker's own."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def scan(self, ranges: Collection[Range], isolation: Isolation = Isolation.READ_COMMITTED) -> Iterator[Batch]:
        """See :class:`Broker`."""
        return _counted(self._broker.scan(ranges, isolation), ranges)

    def skim(
        self, ranges: Collection[Range], isolation: Isolation = Isolation.READ_COMMITTED
    ) -> Iterator[Scanned[Plain]]:
        """See :class:`Broker`."""
        return _counted(self._broker.skim(ranges, isolation), ranges)


def attended(broker: Broker) -> Broker:
    """The same broker, its readings minded by the :class:`Attention` that the reading thread holds, if any."""
    return cast("Broker", _Attended(broker))


def _counted(reading: Iterator[Scanned[Seen]], ranges: Collection[Range]) -> Iterator[Scanned[Seen]]:
    """A reading may rest, and go on for another question: whoever holds attention at a piece is told of it."""
    left = sum(max(one.end - one.first, 0) for one in ranges)
    minded: Attention | None = None
    with closing(cast("Any", reading)):
        for batch in reading:
            attention = _HELD.get()
            if attention is not None:
                if attention is not minded:
                    attention.expect(left)
                    minded = attention
                attention.note(len(batch.records))
            left -= len(batch.records)
            yield batch
