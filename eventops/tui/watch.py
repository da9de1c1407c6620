"""What a screen knows of one question that is asked again and again. Values and rules; no widget, no thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Generic, TypeVar

from eventops.ports import Coverage, Gap
from eventops.ports.attention import Attention
from eventops.tui.gate import GATE
from eventops.wording import count, safe, waited

Value = TypeVar("Value")
_SHARE: Final = 4
"""Long readings are asked for seldom: this many times as long as one took passes from one question to the next."""
_FIRST: Final = 3.0
"""Seconds that other questions wait for the first answer of the first one."""
_SOON: Final = 2.0
"""Seconds for which a question that is out has the workers' time for itself."""


class Standing(Enum):
    """How far an answer can be trusted."""

    LOADING = "loading"
    """No answer yet, and no failure either."""
    FRESH = "fresh"
    STALE = "stale"
    """There is an answer, but the last question wasn't answered, or takes far longer than it should."""
    SILENT = "silent"
    """Never answered."""


@dataclass(eq=False)
class Watch(Generic[Value]):
    """One question. ``every`` is how many seconds after it was asked it is asked again."""

    name: str
    ask: Callable[[], Value]
    every: float
    value: Value | None = None
    answered_at: datetime | None = None
    asked_at: datetime | None = None
    is_out: bool = False
    """Asked and not answered yet; it isn't asked twice."""
    failure: str | None = None
    is_told: bool = False
    """The failure is an answer, as a refusal is; else nobody answered."""
    since: datetime | None = field(default=None, init=False)
    """When the cluster was first asked without an answer since."""
    attention: Attention = field(default_factory=Attention, init=False)
    """Of the question that is out."""
    took: float = field(default=0.0, init=False)
    """Seconds that the last answer took, where records were read for it."""

    @property
    def pace(self) -> float:
        """Seconds from one question to the next."""
        return max(self.every, _SHARE * self.took)

    @property
    def gaps(self) -> Sequence[Gap]:
        """What the answer says it couldn't read; of answers that don't say, nothing is known."""
        coverage = getattr(self.value, "coverage", None)
        return coverage.gaps if isinstance(coverage, Coverage) else ()

    def is_due(self, now: datetime) -> bool:
        """Whether to ask now."""
        return not self.is_out and (self.asked_at is None or now - self.asked_at >= timedelta(seconds=self.pace))

    def is_first(self, now: datetime) -> bool:
        """Whether it is out for the first time, and not for long: others give it the way."""
        return self.answered_at is None and self.failure is None and self._waited(now) < _FIRST

    def is_answering(self, now: datetime) -> bool:
        """Whether it is out, and not for long: its answer may come soon."""
        return self.is_out and self.asked_at is not None and (now - self.asked_at).total_seconds() < _SOON

    def hurry(self) -> None:
        """Make it due: what it tells may have changed by what was done meanwhile."""
        self.asked_at = None

    def put(self, now: datetime) -> None:
        """It is asked."""
        self.is_out, self.asked_at = True, now
        self.since = self.since or now
        self.attention = Attention(GATE.wait)

    def take(self, value: Value, now: datetime) -> None:
        """It was answered."""
        asked_at = self.asked_at if self.attention.total else None
        self.took = (now - asked_at).total_seconds() if asked_at is not None else 0.0
        self.value, self.answered_at, self.is_out, self.failure, self.since = value, now, False, None, None

    def miss(self, reason: str, *, is_told: bool = False) -> None:
        """It wasn't answered, or (``is_told``) by a refusal: what was known stays, and grows old."""
        self.is_out, self.failure, self.is_told = False, reason, is_told

    def let_go(self) -> None:
        """Nobody waits for its answer any more: its reading ends, and it may be asked anew."""
        if self.is_out:
            self.attention.leave()
            self.is_out, self.asked_at, self.since = False, None, None

    @property
    def progress(self) -> str | None:
        """How far the question is that is out; None: nothing was told of it."""
        read, total = self.attention.read, self.attention.total
        if not self.is_out or not total:
            return None
        return f"{min(100 * read // total, 99)} % of {count(total)} offsets read"

    def standing(self, now: datetime) -> Standing:
        """How far the answer can be trusted."""
        if self.failure is None and not self._is_slow(now):
            return Standing.LOADING if self.answered_at is None else Standing.FRESH
        return Standing.SILENT if self.answered_at is None else Standing.STALE

    def trouble(self, now: datetime) -> str | None:
        """The sentence for a screen whose figures can't be trusted; None where they can."""
        if self.standing(now) in (Standing.LOADING, Standing.FRESH):
            return None
        if self.failure is not None and self.is_told:
            age = "" if self.answered_at is None else f", the figures are {waited(self._age(now))} old"
            return f"{safe(self.failure)}; asking again{age}"
        for_so_long = f"no answer for {waited(self._waited(now))}"
        if self.failure is None:
            return f"{for_so_long}, still waiting"
        return f"{for_so_long}, retrying: {safe(self.failure)}"

    def _age(self, now: datetime) -> float:
        return max((now - (self.answered_at or now)).total_seconds(), 0.0)

    def _is_slow(self, now: datetime) -> bool:
        return self.is_out and self.progress is None and self._waited(now) > max(3 * self.pace, 5.0)

    def _waited(self, now: datetime) -> float:
        """Whole seconds since it was first asked without an answer: before, it wasn't asked, and nobody was silent."""
        start = self.since or self.answered_at or now
        return float(int((now - start).total_seconds()))
