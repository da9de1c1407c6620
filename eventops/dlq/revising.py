"""How what is put back is changed: by a jq expression, by an editor, by an event id of its own. Pure but for jq."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from eventops.dlq import editing
from eventops.dlq.families import ORIGINAL_TIMESTAMP
from eventops.dlq.model import Letter
from eventops.dlq.replay_model import Content, Plan
from eventops.dlq.request import LeftOut, Revise
from eventops.errors import UsageError
from eventops.events import (
    CE_CAUSATION_ID,
    CE_ID,
    REPLAY_ID,
    REPLAY_LINK,
    Headers,
    Position,
)

_NEW_IDS: Final = uuid.UUID("0b7c1d6e-5f0a-4f53-9a53-6a2f0e1f7a55")
"""The namespace of event ids that are made of replay ids."""
_EXACT_INTEGER: Final = 2**53
"""jq counts in doubles: beyond that, numbers it doesn't even touch come back as others."""
_OURS: Final = frozenset({REPLAY_ID, REPLAY_LINK, ORIGINAL_TIMESTAMP})


def all_of(*revisions: Revise | None) -> Revise | None:
    """One after the other; None where there is none."""
    wanted = [revise for revise in revisions if revise is not None]
    if not wanted:
        return None

    def revise(letter: Letter, content: Content, replay_id: str) -> tuple[Content, str | None]:
        told = []
        for one in wanted:
            content, change = one(letter, content, replay_id)
            told += [change] if change else []
        return content, ", ".join(told) or None

    return revise


def by_jq(expression: str) -> Revise:
    """Applied to ``{"key", "value", "headers"}`` of each; ``empty`` leaves a letter out.

    Raises:
        UsageError: it isn't jq.
    """
    import jq

    try:
        program = jq.compile(expression)
    except ValueError as error:
        raise UsageError(
            f"--transform isn't an expression in jq: {_first_line(error)}",
            "write it as in '.value.email |= ascii_downcase'",
        ) from error

    def revise(_letter: Letter, content: Content, _replay_id: str) -> tuple[Content, str | None]:
        document = editing.document(content)
        if any(abs(number) > _EXACT_INTEGER for number in _integers(document)):
            raise LeftOut("it holds a number of more digits than jq keeps: --edit can change it")
        try:
            results = list(program.input_text(json.dumps(document)))
        except ValueError as error:
            raise LeftOut(f"the transformation fails on it ({_first_line(error)})") from error
        if not results:
            raise LeftOut("the transformation leaves it out")
        if len(results) > 1:
            raise LeftOut(f"the transformation makes {len(results)} records of it, and one is wanted")
        return _changed(content, results[0], "transformed")

    return revise


def by_documents(edited: Mapping[Position, object]) -> Revise:
    """Each letter as an editor left it; one whose document is gone is left out."""

    def revise(letter: Letter, content: Content, _replay_id: str) -> tuple[Content, str | None]:
        if letter.position not in edited:
            raise LeftOut("left out in the editor")
        return _changed(content, edited[letter.position], "edited")

    return revise


def new_id(_letter: Letter, content: Content, replay_id: str) -> tuple[Content, str | None]:
    """Another event, caused by the one that failed: a new id, the same at every look at the same replay, and the old
    one as its causation id, wherever the event has its ids.

    >>> made, told = new_id(None, Content(None, b'{"eventId":"e-1","metadata":{}}'), "replay-1")
    >>> made.value.decode(), told
    ('{"eventId":"79c2ae71-120c-5566-aed0-0cbc23d9e807","metadata":{"causationId":"e-1"}}', 'a new event id')
    """
    name = str(uuid.uuid5(_NEW_IDS, replay_id))
    document = editing.document(content)
    body, found = document["value"], False
    if isinstance(body, dict):
        found = _renamed(body, name)
    headers: dict[str, Any] = document["headers"]
    if isinstance(old := headers.get(CE_ID), str):
        headers[CE_ID], headers[CE_CAUSATION_ID] = name, old
        found = True
    if not found:
        raise LeftOut("it has no event id where eventops could write a new one")
    return editing.changed(content, document), "a new event id"


def _renamed(body: dict[str, Any], name: str) -> bool:
    """In the envelope of the reference services, or a CloudEvent's."""
    if isinstance(old := body.get("eventId"), str):
        metadata = body.get("metadata")
        body["eventId"] = name
        body["metadata"] = {**(metadata if isinstance(metadata, dict) else {}), "causationId": old}
        return True
    if "specversion" in body and isinstance(old := body.get("id"), str):
        body["id"], body["causationid"] = name, old
        return True
    return False


def documents(plan: Plan) -> str:
    """What an editor is given: a JSON array of what would be put back, each with its letter's position."""
    told = [
        {"letter": str(one.letter.position), **editing.document(Content(one.key, one.value, _own(one.headers)))}
        for one in plan.planned
    ]
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def read_documents(text: str, positions: Sequence[Position] | None = None) -> dict[Position, object]:
    """What an editor left.

    Raises:
        UsageError: it isn't JSON, or not such an array; the message says where.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"what was edited isn't JSON: {error}") from error
    if not isinstance(told, list):
        raise UsageError("what was edited must stay an array of records")
    found: dict[Position, object] = {}
    for number, one in enumerate(told, 1):
        try:
            position = Position.parse(one["letter"])
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise UsageError(f"record {number} of what was edited has lost its letter") from error
        if position in found:
            raise UsageError(f"record {number} of what was edited is a second one of {position}")
        if positions is not None and position not in positions:
            raise UsageError(f"record {number} of what was edited is {position}, which wasn't among them")
        found[position] = {name: value for name, value in one.items() if name != "letter"}
    return found


def _changed(content: Content, told: object, change: str) -> tuple[Content, str | None]:
    try:
        made = editing.changed(content, told)
    except editing.NotARecord as error:
        raise LeftOut(f"{change}, it is no record any more: {error}") from error
    return made, None if made == content else change


def _own(headers: Headers) -> Headers:
    return tuple(header for header in headers if header[0] not in _OURS)


def _integers(told: object) -> Iterator[int]:
    if isinstance(told, dict):
        for value in told.values():
            yield from _integers(value)
    elif isinstance(told, list):
        for value in told:
            yield from _integers(value)
    elif isinstance(told, int):
        yield told


def _first_line(error: ValueError) -> str:
    return str(error).removeprefix("jq: error: ").split("\n")[0]
