"""Fields of an event's data, which others wrote: present and of the right type, or the event is malformed."""

from __future__ import annotations

from typing import Final

from eventops.events import Envelope, MalformedEvent

LARGEST_NUMBER: Final = 2**53
"""Beyond it, JSON's numbers aren't exact. Neither infinity nor NaN passes."""


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
    """A finite number; JSON's true and false are none.

    Raises:
        MalformedEvent: it is missing, too large or something else.
    """
    value = event.data.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER:
        return value
    raise MalformedEvent(f"data.{name} of {event.event_type} is missing or not a number")
