"""What isn't as a chain should be: one rule an anomaly, each naming what it rests on. None of them is an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eventops.events import Event, canonical_id
from eventops.trace.model import Anomaly, Copy, DeadLetter
from eventops.wording import duration, plural

_PLACES = 5


def missing_cause(event: Event, absent: str) -> Iterator[Anomaly]:
    """The cause that it names wasn't found; ``absent`` says what is known about why."""
    if cause := event.ids.causation_id:
        yield Anomaly("missing_cause", event.reference, f"{cause} caused it: {absent}")


def orphan(event: Event, *, alone: bool) -> Iterator[Anomaly]:
    """Neither an id nor a cause: nothing says where in the tree it belongs. A chain of one has no tree."""
    if not alone and event.ids.event_id is None and event.ids.causation_id is None:
        tie = "correlation id" if event.ids.correlation_id else "distributed trace"
        why = f"it has no id and names no cause: only the {tie} ties it to the others"
        yield Anomaly("orphan", event.reference, why)


def other_correlation(event: Event, cause: Event | None) -> Iterator[Anomaly]:
    """Causation leaves the correlation id."""
    if cause is None:
        return
    mine, its = event.ids.correlation_id, cause.ids.correlation_id
    if canonical_id(mine or "") == canonical_id(its or ""):
        return
    said = f"it carries the correlation id {mine}" if mine else "it carries no correlation id"
    yield Anomaly("other_correlation", event.reference, f"{said}, its cause {its or 'none'}")


def clock_skew(event: Event, seconds: float | None) -> Iterator[Anomaly]:
    """An effect before its cause."""
    if seconds is not None and seconds < 0:
        why = f"it happened {duration(-seconds)} before its cause: the clocks of their machines differ"
        yield Anomaly("clock_skew", event.reference, why)


def used_again(event: Event, copies: Sequence[Copy]) -> Iterator[Anomaly]:
    """Its id stands on other records: with another content, with the same in its own topic, or in other topics. A
    replay repeats it on purpose and may have been edited."""
    others = [copy for copy in copies if not copy.replay_id]
    differ = [copy for copy in others if copy.event.record.value != event.record.value]
    same = [copy for copy in others if copy not in differ]
    here = [copy for copy in same if copy.position.topic == event.position.topic]
    mirrors = sorted({copy.position.topic for copy in same} - {event.position.topic})
    if differ:
        why = f"its id is used again by another content: {event.position} and {_places(differ)}"
        yield Anomaly("duplicate_event", event.reference, why)
    if here:
        why = f"the same content stands again at {_places(here)}: a redelivery by its producer"
        yield Anomaly("repeated_event", event.reference, why)
    if mirrors:
        why = f"the same event stands in {plural(len(mirrors), 'other topic')}: {', '.join(mirrors[:_PLACES])}"
        yield Anomaly("mirrored_event", event.reference, why)


def original_gone(event: Event, letters: Sequence[DeadLetter]) -> Iterator[Anomaly]:
    """Only its dead letter was found."""
    letter = next((letter for letter in letters if letter.position == event.position), None)
    if letter is not None:
        where = f" at {letter.origins[0]}" if letter.origins else ""
        why = f"its record{where} wasn't found where was searched; its dead letter speaks for it"
        yield Anomaly("original_gone", event.reference, why)


def _places(copies: Sequence[Copy]) -> str:
    more = f" and {len(copies) - _PLACES} more" if len(copies) > _PLACES else ""
    return ", ".join(str(copy.position) for copy in copies[:_PLACES]) + more
