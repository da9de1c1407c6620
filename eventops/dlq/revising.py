"""How what is put back is changed: by an editor, by an event id of its own, or (:mod:`.transforming`) by jq. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from eventops.dlq import editing
from eventops.dlq.families import ORIGINAL_TIMESTAMP, strip
from eventops.dlq.literals import dumps, loads
from eventops.dlq.model import Letter
from eventops.dlq.replay_model import Content, Plan
from eventops.dlq.request import LeftOut, Revise, Strip
from eventops.dlq.rows import content_hash
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
_LETTER: Final = "letter"
_CONTENT: Final = "content"
"""Beside each document: which letter it is, by its position and a hash of its content."""
_OURS: Final = frozenset({REPLAY_ID, REPLAY_LINK, ORIGINAL_TIMESTAMP})


@dataclass(frozen=True, slots=True)
class Edited:
    """A letter as an editor left it: what the ledger knows its content by, and the document."""

    content: str
    document: object


def all_of(*revisions: Revise | None, wipe: Strip = strip) -> Revise | None:
    """One after the other; None where there is none. What a replay takes off anyway (``wipe``) is no change."""
    wanted = [revise for revise in revisions if revise is not None]
    if not wanted:
        return None

    def revise(letter: Letter, content: Content, replay_id: str) -> tuple[Content, str | None]:
        told, before = [], content
        for one in wanted:
            content, change = one(letter, content, replay_id)
            told += [change] if change else []
        content = replace(content, headers=_own(wipe(content.headers)))
        is_other = content != replace(before, headers=_own(before.headers))
        return content, ", ".join(told) or None if is_other else None

    return revise


def by_documents(edited: Mapping[Position, Edited]) -> Revise:
    """Each letter as an editor left it; one whose document is gone is left out, and one that is another letter than
    what was edited there."""

    def revise(letter: Letter, content: Content, _replay_id: str) -> tuple[Content, str | None]:
        found = edited.get(letter.position)
        if found is None:
            raise LeftOut("it isn't among what was edited")
        if found.content != content_hash(letter.event.record):
            raise LeftOut("what was edited was another letter at this position: the topic was made anew")
        return as_told(content, found.document, "edited")

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
        {
            _LETTER: str(one.letter.position),
            _CONTENT: one.content,
            **editing.document(Content(one.key, one.value, _own(one.headers))),
        }
        for one in plan.planned
    ]
    return dumps(told, indent=2) + "\n"


def read_documents(text: str, positions: Sequence[Position] | None = None) -> dict[Position, Edited]:
    """What an editor left.

    Raises:
        UsageError: it isn't JSON, or not such an array; the message says where.
    """
    try:
        told = loads(text)
    except ValueError as error:
        raise UsageError(f"what was edited isn't JSON: {error}") from error
    if not isinstance(told, list):
        raise UsageError("what was edited must stay an array of records")
    found: dict[Position, Edited] = {}
    for number, one in enumerate(told, 1):
        try:
            position, content = Position.parse(one[_LETTER]), str(one[_CONTENT])
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise UsageError(f"record {number} of what was edited has lost its {_LETTER} or {_CONTENT}") from error
        if position in found:
            raise UsageError(f"record {number} of what was edited is a second one of {position}")
        if positions is not None and position not in positions:
            raise UsageError(f"record {number} of what was edited is {position}, which wasn't among them")
        document = {name: value for name, value in one.items() if name not in (_LETTER, _CONTENT)}
        found[position] = Edited(content, document)
    return found


def as_told(content: Content, told: object, change: str) -> tuple[Content, str | None]:
    """The content that a document describes, and ``change``, where it is another.

    Raises:
        LeftOut: it describes no record.
    """
    try:
        made = editing.changed(content, told)
    except editing.NotARecord as error:
        raise LeftOut(f"{change}, it is no record any more: {error}") from error
    return made, None if made == content else change


def _own(headers: Headers) -> Headers:
    return tuple(header for header in headers if header[0] not in _OURS)
