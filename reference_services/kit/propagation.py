"""Trace context in headers: read from anyone's bytes, written into a new list, never into the caller's.

W3C trace context and baggage. What can't be used is no reason to refuse an event: its handling begins a new trace, and
the fault is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry import baggage, context, propagate, trace
from opentelemetry.propagators.textmap import Setter

from eventops.events import BAGGAGE, CE_CORRELATION_ID, TRACEPARENT, TRACESTATE, bytes_as_text

CORRELATION: Final = "correlation.id"
"""The one entry of the baggage: so every span of a chain can carry its correlation id."""
LONGEST_BAGGAGE: Final = 8192
"""Bytes; W3C baggage, limits."""
MOST_ENTRIES: Final = 180
LONGEST_ENTRY: Final = 4096
"""What OpenTelemetry's propagators take of a baggage."""

_TRACE_HEADERS: Final = frozenset({TRACEPARENT, TRACESTATE, BAGGAGE})

HeaderList = list[tuple[str, bytes | None]]
AnyHeaders = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Received:
    """What came with a message: the trace context, empty where there is none that can be used, and the headers that
    can't be used as they are: unreadable, doubled or too long. Where one of them is faulty, nothing of them is used.

    Of the baggage nothing is taken over: the event names its own correlation id, and what else strangers put there is
    nobody's to publish.

    >>> received([("traceparent", b"00-zz-zz-01"), ("baggage", b"a=b"), ("baggage", b"c=d")]).faults
    ('traceparent', 'baggage')
    >>> received([("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]).faults
    ()
    """

    context: context.Context
    faults: tuple[str, ...]

    @property
    def sent_by(self) -> trace.SpanContext | None:
        """The span that created the message; None where it names none."""
        found = trace.get_current_span(self.context).get_span_context()
        return found if found.is_valid else None


def received(headers: AnyHeaders) -> Received:
    """What anyone's headers say. Of a header that is doubled none is used: nobody knows which is the latest hop's."""
    held: dict[str, str] = {}
    doubled: set[str] = set()
    for name, value in headers:
        folded = name.lower()
        if folded in _TRACE_HEADERS:
            if folded in held:
                doubled.add(folded)
            held[folded] = bytes_as_text(value or b"")
    usable = {name: held[name] for name in (TRACEPARENT, TRACESTATE) if name in held}
    found = propagate.extract({} if TRACEPARENT in doubled else usable, context.Context())
    faults = tuple(_faults(held, doubled, Received(found, ()).sent_by))
    return Received(context.Context() if faults else found, faults)


def combined(headers: AnyHeaders) -> AnyHeaders:
    """An HTTP request's headers, its baggage in one line: HTTP lets a list stand in several (RFC 9110, 5.3)."""
    lists = [value or b"" for name, value in headers if name.lower() == BAGGAGE]
    others = [header for header in headers if header[0].lower() != BAGGAGE]
    return [*others, (BAGGAGE, b",".join(lists))] if lists else others


def _faults(held: dict[str, str], doubled: set[str], sent_by: trace.SpanContext | None) -> Iterator[str]:
    if TRACEPARENT in held and sent_by is None:
        yield TRACEPARENT
    if BAGGAGE in doubled or _is_over_the_limits(held.get(BAGGAGE, "")):
        yield BAGGAGE


def _is_over_the_limits(baggage_header: str) -> bool:
    entries = baggage_header.split(",")
    too_long = any(len(entry) > LONGEST_ENTRY for entry in entries)
    return len(baggage_header) > LONGEST_BAGGAGE or len(entries) > MOST_ENTRIES or too_long


class _HeaderSetter(Setter[HeaderList]):
    def set(self, carrier: HeaderList, key: str, value: str) -> None:
        carrier.append((key, value.encode()))


_SETTER: Final = _HeaderSetter()


def with_trace_context(headers: AnyHeaders) -> HeaderList:
    """A new list: the headers without whatever trace context they had, and the current one.

    The baggage is the correlation id that the headers name, else the current one, and nothing else.
    """
    fresh = [(name, value) for name, value in headers if name.lower() not in _TRACE_HEADERS]
    current = baggage.get_baggage(CORRELATION)
    known = correlation_of(fresh) or (current if isinstance(current, str) else None)
    propagate.inject(fresh, conversing(context.get_current(), known), setter=_SETTER)
    return fresh


def conversing(within: context.Context, correlation_id: str | None) -> context.Context:
    """That context with the correlation id as its whole baggage; with none where there is no id."""
    bare = baggage.clear(within)
    return baggage.set_baggage(CORRELATION, correlation_id, bare) if correlation_id else bare


def correlation_of(headers: AnyHeaders) -> str | None:
    """The correlation id that an event's headers name."""
    value = dict(headers).get(CE_CORRELATION_ID)
    return bytes_as_text(value) if value else None
