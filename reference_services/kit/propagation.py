"""Trace context in headers: read from anyone's bytes, written into a new list, never into the caller's.

W3C trace context and baggage, whatever ``OTEL_PROPAGATORS`` says: what reads the log relies on them. What can't be used
is no reason to refuse an event: its handling begins a new trace, and the fault is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Setter
from opentelemetry.sdk.trace import Span, SpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from eventops.events import BAGGAGE, CE_CORRELATION_ID, TRACEPARENT, TRACESTATE, bytes_as_text
from reference_services.kit.conventions import CONVERSATION_ID

CORRELATION: Final = "correlation.id"
"""The one entry of the baggage: so every span of a chain can carry its correlation id."""
LONGEST_BAGGAGE: Final = 8192
"""Bytes; W3C baggage, limits."""
MOST_ENTRIES: Final = 180
LONGEST_ENTRY: Final = 4096
"""Bytes. What OpenTelemetry's propagators take of a baggage."""

_TRACE_HEADERS: Final = frozenset({TRACEPARENT, TRACESTATE, BAGGAGE})
_W3C: Final = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])

HeaderList = list[tuple[str, bytes | None]]
AnyHeaders = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Received:
    """What came with a message: the trace context, empty where there is none that can be used, and the headers that
    can't be used as they are: unreadable, doubled or too long. Where one of them is faulty, nothing of them is used; a
    tracestate that can't be read costs itself alone (W3C trace context, 3.3).

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
    held: dict[str, bytes] = {}
    doubled: set[str] = set()
    for name, value in headers:
        folded = name.lower()
        if folded in _TRACE_HEADERS:
            if folded in held:
                doubled.add(folded)
            held[folded] = value or b""
    usable = {name: bytes_as_text(held[name]) for name in (TRACEPARENT, TRACESTATE) if name in held}
    found = _W3C.extract({} if TRACEPARENT in doubled else usable, context.Context())
    faults = tuple(_faults(held, doubled, Received(found, ()).sent_by))
    is_usable = not doubled and faults in ((), (TRACESTATE,))
    return Received(found if is_usable else context.Context(), faults)


def combined(headers: AnyHeaders) -> AnyHeaders:
    """An HTTP request's headers, its lists in one line each: HTTP lets a list stand in several (RFC 9110, 5.3)."""
    lists = {TRACESTATE: list[bytes](), BAGGAGE: list[bytes]()}
    others = [header for header in headers if header[0].lower() not in lists]
    for name, value in headers:
        if name.lower() in lists:
            lists[name.lower()].append(value or b"")
    return [*others, *((name, b",".join(lines)) for name, lines in lists.items() if lines)]


def _faults(held: dict[str, bytes], doubled: set[str], sent_by: trace.SpanContext | None) -> Iterator[str]:
    if TRACEPARENT in held and sent_by is None:
        yield TRACEPARENT
    is_unread = sent_by is not None and not sent_by.trace_state and held.get(TRACESTATE, b"").strip(b", \t") != b""
    if TRACESTATE in doubled or is_unread:
        yield TRACESTATE
    if BAGGAGE in doubled or _is_over_the_limits(held.get(BAGGAGE, b"")):
        yield BAGGAGE


def _is_over_the_limits(baggage_header: bytes) -> bool:
    entries = baggage_header.split(b",")
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
    _W3C.inject(fresh, conversing(context.get_current(), known), setter=_SETTER)
    return fresh


def conversing(within: context.Context, correlation_id: str | None) -> context.Context:
    """That context with the correlation id as its whole baggage; with none where there is no id that can be written."""
    bare = baggage.clear(within)
    is_written = correlation_id and writable(correlation_id) == correlation_id
    return baggage.set_baggage(CORRELATION, correlation_id, bare) if is_written else bare


@contextmanager
def within(inner: context.Context, correlation_id: str | None) -> Iterator[None]:
    """In this block, ``inner`` is the current context, its baggage the correlation id."""
    token = context.attach(conversing(inner, correlation_id))
    try:
        yield
    finally:
        context.detach(token)


class CorrelationOnEverySpan(SpanProcessor):
    """Puts the baggage's correlation id on every span that doesn't have one: the database's, the mail server's."""

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        """A span begins."""
        correlation = baggage.get_baggage(CORRELATION, parent_context)
        if isinstance(correlation, str) and CONVERSATION_ID not in (span.attributes or {}):
            span.set_attribute(CONVERSATION_ID, correlation)


def writable(text: str) -> str:
    r"""The text as UTF-8 can hold it: JSON may hold half a character, a lone surrogate; no header and no span can.

    >>> writable("req-\ud800x"), writable("ä")
    ('req-\\ud800x', 'ä')
    """
    return text.encode("utf-8", "backslashreplace").decode()


def correlation_of(headers: AnyHeaders) -> str | None:
    """The correlation id that an event's headers name."""
    value = dict(headers).get(CE_CORRELATION_ID)
    return bytes_as_text(value) if value else None
