"""Trace context in Kafka headers: read from anyone's bytes, written into a new list, never into the caller's.

W3C trace context and baggage. What can't be used is no reason to refuse an event: its handling begins a new trace, and
the fault is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from opentelemetry import baggage, context, propagate, trace
from opentelemetry.propagators.textmap import Getter, Setter

from eventops.events import BAGGAGE, CE_CORRELATION_ID, TRACEPARENT, TRACESTATE, bytes_as_text

CORRELATION: Final = "correlation.id"
"""The one entry of the baggage: so every span of a chain can carry its correlation id."""
LONGEST_BAGGAGE: Final = 8192
"""Bytes; W3C baggage, limits."""
MOST_ENTRIES: Final = 180
LONGEST_ENTRY: Final = 4096
"""What OpenTelemetry's propagator takes of a baggage; the rest is dropped."""

_TRACE_HEADERS: Final = (TRACEPARENT, TRACESTATE, BAGGAGE)

HeaderList = list[tuple[str, bytes | None]]
AnyHeaders = Sequence[tuple[str, bytes | None]]


class _HeaderGetter(Getter[AnyHeaders]):
    """Kafka headers: bytes of anyone; of a name that stands there twice, the last."""

    def get(self, carrier: AnyHeaders, key: str) -> list[str] | None:
        values = [value for name, value in carrier if name.lower() == key and value]
        return [bytes_as_text(values[-1])] if values else None

    def keys(self, carrier: AnyHeaders) -> list[str]:
        return [name for name, _ in carrier]


class _HeaderSetter(Setter[HeaderList]):
    def set(self, carrier: HeaderList, key: str, value: str) -> None:
        carrier.append((key, value.encode()))


_GETTER: Final = _HeaderGetter()
_SETTER: Final = _HeaderSetter()


def text_of(headers: AnyHeaders, name: str) -> str | None:
    """The last header of that name, as text."""
    found = _GETTER.get(headers, name)
    return found[0] if found else None


def context_of(headers: AnyHeaders) -> context.Context:
    """The trace context that the headers carry; an empty one where they carry none that can be used.

    Nobody knows which of two is the latest hop's: of a header that is doubled, none is used.
    """
    doubled = _doubled(headers)
    return propagate.extract([header for header in headers if header[0].lower() not in doubled], getter=_GETTER)


def faults(headers: AnyHeaders) -> Iterable[str]:
    """The trace headers that can't be used as they are: unreadable, doubled or too long.

    >>> list(faults([("traceparent", b"00-zz-zz-01"), ("baggage", b"a=b"), ("baggage", b"c=d")]))
    ['traceparent', 'baggage']
    >>> list(faults([("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]))
    []
    """
    names = {name.lower() for name, _ in headers}
    sent = trace.get_current_span(context_of(headers)).get_span_context()
    if TRACEPARENT in names and not sent.is_valid:
        yield TRACEPARENT
    if BAGGAGE in _doubled(headers) or _is_over_the_limits(text_of(headers, BAGGAGE) or ""):
        yield BAGGAGE


def _doubled(headers: AnyHeaders) -> set[str]:
    names = Counter(name.lower() for name, _ in headers)
    return {name for name in (TRACEPARENT, BAGGAGE) if names[name] > 1}


def _is_over_the_limits(held: str) -> bool:
    entries = held.split(",")
    too_long = any(len(entry) > LONGEST_ENTRY for entry in entries)
    return len(held) > LONGEST_BAGGAGE or len(entries) > MOST_ENTRIES or too_long


def with_trace_context(headers: AnyHeaders) -> HeaderList:
    """A new list: the headers without whatever trace context they had, and the current one.

    The baggage names the correlation id that the headers name: the event has the last word.
    """
    fresh = [(name, value) for name, value in headers if name not in _TRACE_HEADERS]
    correlation = text_of(headers, CE_CORRELATION_ID)
    carried = baggage.set_baggage(CORRELATION, correlation) if correlation else None
    propagate.inject(fresh, carried, setter=_SETTER)
    return fresh
