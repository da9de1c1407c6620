"""The ledger's records as bytes: JSON objects of rows that share what they can, and leases. Pure.

A record a letter would cost a replay more than the letters themselves, so a record takes up to some hundred rows of
one transaction (version 2). Records of version 1 held one row each and are still read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from eventops.dlq.model import State
from eventops.dlq.rows import HASH_CHARACTERS, Ends, Entry, Lease, Sheet, topic_uuid
from eventops.events import Position, rfc3339

_VERSION: Final = 2
_ONE_ROW: Final = 1
SHEET_ROWS: Final = 1_000
"""Rows a record: about 70 kB, far below what a broker takes by default."""


class Newer(ValueError):
    """A record of a version that this program doesn't know; ``topic_id``: which letters it is about, empty: unknown."""

    def __init__(self, version: int, topic_id: str) -> None:
        super().__init__(f"a ledger record of version {version!r}")
        self.version = version
        self.topic_id = topic_id


def encode(sheet: Sheet) -> bytes:
    """A sheet as its record's value."""
    told = {name: getattr(sheet, name) for name in _SHARED}
    own = {"state": sheet.state.value, "at": rfc3339(sheet.at), "letters": sheet.letters}
    own |= {name: value for name in _OPTIONAL if (value := getattr(sheet, name))}
    return _json({"version": _VERSION, **told, **own})


def encode_lease(lease: Lease) -> bytes:
    """A lease as its record's value."""
    told = {name: getattr(lease, name) for name in _LEASE}
    return _json({"version": _VERSION, "lease": {**told, "since": rfc3339(lease.since), "seen": rfc3339(lease.seen)}})


def decode(value: bytes) -> Lease | Sheet:
    """
    Raises:
        Newer: of a version this program doesn't know.
        ValueError: not a record of the ledger.
    """
    try:
        document = _document(value)
        version = document["version"]
        if version == _ONE_ROW:
            return _single(document)
        if version == _VERSION:
            return _lease(document["lease"]) if "lease" in document else _sheet(document)
        if isinstance(version, int) and version > _VERSION:
            raise Newer(version, topic_uuid(str(document.get("topic_id") or "")))
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError("not a record of the ledger") from error
    raise ValueError(f"a ledger record of version {version!r}")


_SHARED: Final = (
    "cluster_id",
    "topic",
    "topic_id",
    "target_topic",
    "operator",
    "run_id",
    "attempt",
    "reason",
    "group",
    "cause",
    "change",
)
_OPTIONAL: Final = ("ends", "target_id")
"""What earlier programs of this version neither wrote nor look at."""
_TEXTS: Final = ("cluster_id", "topic", "topic_id", "state", "target_topic", "operator", "run_id")
_ENTRIES: Final = {(int, int, str), (int, int, str, int, int)}
_COLUMNS: Final = tuple(tuple({kind} for kind in kinds) for kinds in _ENTRIES)
_LEASE: Final = ("topic_id", "topic", "run_id", "operator", "host", "pid")


def _sheet(document: Mapping[str, Any]) -> Sheet:
    cluster_id, topic, topic_id, state, target_topic, operator, run_id = (str(document[name]) for name in _TEXTS)
    reason, group, cause, change = (_text(document[name]) for name in ("reason", "group", "cause", "change"))
    return Sheet(
        cluster_id,
        topic,
        topic_uuid(topic_id),
        State(state),
        target_topic,
        operator,
        _moment(document["at"]),
        run_id,
        int(document["attempt"]),
        reason,
        group,
        cause,
        change,
        _entries(document["letters"]),
        _ends(document.get("ends", ())),
        _text(document.get("target_id")),
    )


def _document(value: bytes) -> Any:
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):  # half a surrogate pair, and whatever else Python's own reader lets pass
        return json.loads(value)


def _entries(told: Sequence[Any]) -> tuple[Entry, ...]:
    """The rows, where all of them are alike column by column; looked at one by one they would take three times as
    long."""
    found = tuple(map(tuple, told))
    columns = zip(*found, strict=True) if len(set(map(len, found))) == 1 else ()
    kinds = tuple(set(map(type, column)) for column in columns)
    if kinds in _COLUMNS:
        return found
    if not found or not {tuple(map(type, entry)) for entry in found} <= _ENTRIES:
        raise ValueError("not rows of the ledger")
    return found


def _ends(told: Sequence[Any]) -> Ends:
    return tuple((int(partition), int(end)) for partition, end in told)


def _single(document: Mapping[str, Any]) -> Sheet:
    source = document["source"]
    target = None if document["target"] is None else Position.parse(document["target"])
    content = str(document["content"])[:HASH_CHARACTERS]
    entry: Entry = (int(source["partition"]), int(source["offset"]), content)
    return Sheet(
        cluster_id=str(source["cluster_id"]),
        topic=str(source["topic"]),
        topic_id=topic_uuid(str(source["topic_id"])),
        state=State(document["state"]),
        target_topic=str(document["target_topic"]),
        operator=str(document["operator"]),
        at=_moment(document["at"]),
        run_id=str(document["run_id"]),
        attempt=int(document["attempt"]),
        reason=_text(document["reason"]),
        group=None,
        cause=None,
        change=None,
        letters=(entry if target is None else (*entry, target.partition, target.offset),),
    )


def _lease(told: Mapping[str, Any]) -> Lease:

    topic_id, topic, run_id, operator, host = (str(told[name]) for name in _LEASE[:-1])
    return Lease(
        topic_uuid(topic_id),
        topic,
        run_id,
        operator,
        host,
        int(told["pid"]),
        _moment(told["since"]),
        _moment(told["seen"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _json(document: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:  # half a surrogate pair, which stays escaped
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
