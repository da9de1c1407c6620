"""Whether a failure is worth another attempt, and after how long. Pure: no clock, no randomness, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eventops.events import MalformedEvent


class PermanentError(Exception):
    """Handling failed and would fail the same way again."""


def is_permanent(error: Exception) -> bool:
    """True for what no repetition mends: a malformed event, data of the wrong shape, a fault in our own code.

    Everything else (the network, a database that is busy, a full disk) is taken as transient: a needless retry costs
    seconds, a needless dead letter costs a person's attention.

    >>> is_permanent(MalformedEvent("metadata is missing")), is_permanent(ConnectionRefusedError(111, "refused"))
    (True, False)
    """
    return isinstance(
        error, PermanentError | MalformedEvent | ValueError | TypeError | ArithmeticError | LookupError | AttributeError
    )


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff: the n-th wait is at most ``min(cap_seconds, base_seconds * 2**n)``, n from 0.

    ``attempts`` counts every attempt, the first one too. The defaults wait 3.75 s at most in all: a mail server that
    is away for 6 s costs a few letters, and what waits behind them is delivered.
    """

    attempts: int = 5
    base_seconds: float = 0.25
    cap_seconds: float = 5.0
    permanent: Callable[[Exception], bool] = is_permanent

    def ceiling(self, attempt: int) -> float:
        """The longest wait after the ``attempt``-th attempt (from 1), in seconds.

        >>> [RetryPolicy(base_seconds=0.5, cap_seconds=3).ceiling(attempt) for attempt in (1, 2, 3, 4, 5000)]
        [0.5, 1.0, 2.0, 3, 3]
        """
        return min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 60))

    def longest_wait(self) -> float:
        """The most that one record can wait between all its attempts, in seconds."""
        return sum(self.ceiling(attempt) for attempt in range(1, self.attempts))


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after ``uniform(0, ceiling_seconds)``: full jitter, drawn by the caller."""

    ceiling_seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt; ``reason`` says why, in words for the log."""

    reason: str


def decide(attempt: int, error: Exception, policy: RetryPolicy) -> Retry | GiveUp:
    """What follows when the ``attempt``-th attempt (from 1) failed with ``error``.

    >>> policy = RetryPolicy(attempts=3, base_seconds=1, cap_seconds=10)
    >>> decide(1, TimeoutError(), policy), decide(2, TimeoutError(), policy)
    (Retry(ceiling_seconds=1.0), Retry(ceiling_seconds=2.0))
    >>> decide(3, TimeoutError(), policy)
    GiveUp(reason='3 attempts failed')
    >>> decide(1, MalformedEvent("metadata is missing"), policy)
    GiveUp(reason='it would fail again')
    """
    if policy.permanent(error):
        return GiveUp("it would fail again")
    if attempt >= policy.attempts:
        return GiveUp(f"{attempt} attempts failed")
    return Retry(policy.ceiling(attempt))
