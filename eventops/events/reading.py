"""Which ids a record carries: in its body first, then header by header, before both where a context says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, Self

from eventops.events.event import Event, Ids
from eventops.events.names import (
    CAUSATION_HEADERS,
    CE_ID,
    CE_SPECVERSION,
    CE_TIME,
    CORRELATION_HEADERS,
    EVENT_ID_HEADERS,
    EVENT_TYPE_HEADERS,
    SOURCE_HEADERS,
    TRACE_HEADERS,
)
from eventops.events.record import Record
from eventops.events.text import header_text, json_object, parse_time

Reader = Callable[[Record], Event]
"""How the records of one cluster are read."""

Find = Callable[[str], bytes | None]
"""A header's value by its name."""

_TRACE_ID: Final = re.compile("(?!0{32})[0-9a-f]{32}")
_LOCATION: Final = re.compile(r"\$message\.(header|payload)#(/.*)", re.DOTALL)
_HEADER: Final = "header:"
_IDS: Final = "ids."


@dataclass(frozen=True, slots=True)
class Place:
    """Where one id may stand: a header's ``name``, or a JSON ``pointer`` into the value, as its reference tokens."""

    header: str | None = None
    pointer: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """``header:NAME``, a JSON pointer (RFC 6901), or an AsyncAPI location of either.

        >>> Place.of("/meta/a~1b").pointer, Place.of("header:X-Request").header
        (('meta', 'a/b'), 'X-Request')
        >>> Place.of("$message.header#/X-Request").header, Place.of("$message.payload#/id").pointer
        ('X-Request', ('id',))

        Raises:
            ValueError: it is neither.
        """
        if text.startswith(_HEADER) and len(text) > len(_HEADER):
            return cls(header=text.removeprefix(_HEADER))
        location = _LOCATION.fullmatch(text)
        where = location[2] if location else text
        if not where.startswith("/"):
            raise ValueError(f"{text!r} is neither a JSON pointer (/meta/requestId) nor header:NAME")
        tokens = tuple(token.replace("~1", "/").replace("~0", "~") for token in where[1:].split("/"))
        return cls(header="/".join(tokens)) if location and location[1] == "header" else cls(pointer=tokens)

    def text(self, header: Find, document: Any) -> str | None:
        """What stands there; None: nothing that could be an id."""
        if self.header is not None:
            return header_text(header(self.header))
        for token in self.pointer:
            if isinstance(document, dict):
                document = document.get(token)
            elif isinstance(document, list) and token.isdecimal() and int(token) < len(document):
                document = document[int(token)]
            else:
                return None
        return _id(document)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a context's producers keep ids beyond the field's conventions; what is found there goes first."""

    event: tuple[Place, ...] = ()
    type: tuple[Place, ...] = ()
    source: tuple[Place, ...] = ()
    correlation: tuple[Place, ...] = ()
    causation: tuple[Place, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From a context's settings: ``ids.correlation`` and so on, each one text or a list; other settings are left
        alone.

        >>> Places.of({"ids.correlation": "/meta/requestId", "colour": "red"}).correlation
        (Place(header=None, pointer=('meta', 'requestId')),)

        Raises:
            ValueError: a name isn't one of this class's, or a text is no place.
        """
        named = {key.removeprefix(_IDS): value for key, value in settings.items() if key.startswith(_IDS)}
        if unknown := sorted(set(named) - set(cls.__slots__)):
            raise ValueError(f"eventops.{_IDS}{unknown[0]} is none of {', '.join(cls.__slots__)}")
        return cls(**{name: tuple(Place.of(text) for text in _texts(name, value)) for name, value in named.items()})

    @property
    def reader(self) -> Reader:
        """Reads records by these places and by the field's conventions."""
        return partial(read_event, places=self)


_NOWHERE: Final = Places()


def _texts(name: str, value: object) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f'eventops.{_IDS}{name} must be a text or a list of texts, as in ["/meta/requestId"]')
    return [str(text) for text in texts]


def read_event(record: Record, places: Places = _NOWHERE) -> Event:
    """Read whatever ids a record carries: envelope or CloudEvent in the body first, then header by header. A
    CloudEvent in binary mode has its ids in headers, and its body is data: there, headers go first.

    >>> from eventops.events.record import Position
    >>> at = Position("t", 0, 0)
    >>> read_event(Record(at, None, None, b'{"metadata":{"correlationId":"req-1"}}')).ids.correlation_id
    'req-1'
    >>> read_event(Record(at, None, None, b"\\xff", (("X-Correlation-ID", b"req-2"),))).ids.correlation_id
    'req-2'
    """
    document = json_object(record.value) if record.value else None
    body = _ids_of_body(document) if document is not None else Ids()

    header = _headers(record)
    is_data = bool(header(CE_ID)) and (body.event_id is None or bool(header(CE_SPECVERSION)))

    def told(where: Sequence[Place], said: str | None, headers: Sequence[str]) -> str | None:
        for place in where:
            if text := place.text(header, document):
                return text
        return _first_text(header, headers) or said if is_data else said or _first_text(header, headers)

    header_time = parse_time(_first_text(header, (CE_TIME,)))
    return Event(
        record,
        Ids(
            event_id=told(places.event, body.event_id, EVENT_ID_HEADERS),
            event_type=told(places.type, body.event_type, EVENT_TYPE_HEADERS),
            source=told(places.source, body.source, SOURCE_HEADERS),
            correlation_id=told(places.correlation, body.correlation_id, CORRELATION_HEADERS),
            causation_id=told(places.causation, body.causation_id, CAUSATION_HEADERS),
            timestamp=header_time or body.timestamp if is_data else body.timestamp or header_time,
            trace_id=_trace_id(header) or body.trace_id,
        ),
    )


def trace_id_of(traceparent: bytes | None) -> str | None:
    """The trace id of a W3C ``traceparent`` (version 00 form), None where it is malformed or all zero.

    >>> trace_id_of(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    '0af7651916cd43dd8448eb211c80319c'
    """
    if traceparent is None:
        return None
    parts = traceparent.decode("ascii", "replace").split("-")
    if len(parts) < 4 or not _TRACE_ID.fullmatch(parts[1]):
        return None
    return parts[1]


def _trace_id(header: Find) -> str | None:
    return next((found for name in TRACE_HEADERS if (found := trace_id_of(header(name)))), None)


def _headers(record: Record) -> Find:
    """Finds the last header of a name, else the last that differs in case alone (``X-Correlation-ID``). The headers are
    gone through once, however many names are asked for: letters carry dozens."""
    exact = dict(record.headers)
    folded = {key.casefold(): value for key, value in record.headers if value}

    def find(name: str) -> bytes | None:
        found = exact.get(name)
        return found if found is not None else folded.get(_casefold(name))

    return find


_casefold: Final = cache(str.casefold)


def _ids_of_body(document: Mapping[str, Any]) -> Ids:
    if "specversion" in document:
        return _ids_of_cloudevent(document)
    metadata = document.get("metadata")
    places: Sequence[Mapping[str, Any]] = (metadata, document) if isinstance(metadata, dict) else (document,)
    return Ids(
        event_id=_text(document, "eventId", "event_id", "messageId"),
        event_type=_text(document, "eventType", "event_type"),
        source=_text(document, "source"),
        correlation_id=_anywhere(places, "correlationId", "correlation_id", "conversationId"),
        causation_id=_anywhere(places, "causationId", "causation_id", "initiatorId"),
        timestamp=parse_time(document.get("timestamp")),
        trace_id=_traceparent(places),
    )


def _ids_of_cloudevent(document: Mapping[str, Any]) -> Ids:
    return Ids(
        event_id=_text(document, "id"),
        event_type=_text(document, "type"),
        source=_text(document, "source"),
        correlation_id=_text(document, "correlationid"),
        causation_id=_text(document, "causationid"),
        timestamp=parse_time(document.get("time")),
        trace_id=_traceparent((document,)),
    )


def _traceparent(places: Sequence[Mapping[str, Any]]) -> str | None:
    text = _anywhere(places, "traceparent")
    return trace_id_of(text.encode("utf-8", "replace")) if text else None


def _anywhere(places: Sequence[Mapping[str, Any]], *names: str) -> str | None:
    return next((found for place in places if (found := _text(place, *names))), None)


def _text(document: Mapping[str, Any], *names: str) -> str | None:
    return next((found for name in names if (found := _id(document.get(name)))), None)


def _id(value: object) -> str | None:
    """Text, or a whole number as its digits."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _WHOLE else None


_WHOLE: Final = 10**40
"""Longer numbers are no ids, and Python refuses to write the longest as text."""


def _first_text(header: Find, names: Iterable[str]) -> str | None:
    return next((text for name in names if (text := header_text(header(name)))), None)
