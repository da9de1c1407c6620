"""Where a replay stands in its trace: below the failure, for each hop has a trace context of its own. Pure."""

from __future__ import annotations

from typing import Final

from eventops.events import BAGGAGE, TRACEPARENT, TRACESTATE, Headers

_CARRIED: Final = frozenset({TRACEPARENT, TRACESTATE, BAGGAGE})


def without_trace_context(headers: Headers) -> Headers:
    """
    >>> without_trace_context((("traceparent", b"00-..."), ("baggage", b"a=b"), ("tenant", b"t")))
    (('tenant', b't'),)
    """
    return tuple(header for header in headers if header[0] not in _CARRIED)


def below(letter: Headers, event: Headers) -> Headers:
    """The event's headers, with the letter's trace context where it has one of its own: what handles the replay stands
    below the failure in the same trace, and is linked to the letter.

    >>> below((("traceparent", b"00-letter"), ("reason", b"?")), (("traceparent", b"00-event"), ("tenant", b"t")))
    (('tenant', b't'), ('traceparent', b'00-letter'))
    >>> below((("reason", b"?"),), (("traceparent", b"00-event"), ("tenant", b"t")))
    (('traceparent', b'00-event'), ('tenant', b't'))
    """
    own = tuple(header for header in letter if header[0] in _CARRIED)
    is_traced = any(name == TRACEPARENT for name, _ in own)
    if not is_traced or set(own) == {header for header in event if header[0] in _CARRIED}:
        return event
    return (*without_trace_context(event), *own)
