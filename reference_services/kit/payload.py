"""Fields of an event's data, which others wrote: present and of the right type, or the event is malformed."""

from __future__ import annotations

from eventops.events import Envelope, MalformedEvent


def text_of(event: Envelope, name: str) -> str:
    """A text that isn't empty.

    Raises:
        MalformedEvent: it is missing, empty or something else.
    """
    value = event.data.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"data.{name} of {event.event_type} is missing or not text")
    return value


def number_of(event: Envelope, name: str) -> float:
    """A number; JSON's true and false are none.

    Raises:
        MalformedEvent: it is missing or something else.
    """
    value = event.data.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise MalformedEvent(f"data.{name} of {event.event_type} is missing or not a number")
    return value
