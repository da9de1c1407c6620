"""How groups look on a page. What members and records say of themselves is made safe by the table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from eventops.cli.diagnostics import say, say_gaps
from eventops.cli.output import Column, Document, print_table
from eventops.wording import NONE_SEEN, UNKNOWN, count, instant, plural, safe

_CHARACTERS = 60


def print_list(document: Document) -> None:
    """All groups."""
    print_table(f"Consumer groups at {document['as_of']}", _GROUPS, document["groups"])
    if not document["groups"] and document["coverage"]["complete"]:
        say(NONE_SEEN)
    say_gaps(document)


def print_group(document: Document) -> None:
    """One group: what it is, its members, and where it stands."""
    click.echo(safe(_heading(document)))
    if document["members"]:
        print_table("Members", _MEMBERS, document["members"])
    if not document["partitions"] and not document["unsupported"]:
        click.echo(
            "It has no committed offsets and no partitions: it never committed, or Kafka dropped what it had committed"
        )
    else:
        is_shared = document["type"] == "share"
        places = [_START_OFFSET if column is _COMMITTED and is_shared else column for column in _PLACES]
        print_table(
            "Start offsets" if is_shared else "Committed offsets", places, document["partitions"], _unowned(document)
        )
    say_gaps(document)


def print_peek(document: Document) -> None:
    """Records around the committed offsets, partition by partition."""
    for found in document["partitions"]:
        place = f"{found['topic']}/{found['partition']}"
        title = (
            f"{place}: committed {_committed(found)}, the log has {_offset(found['start'])} to {_offset(found['end'])}"
        )
        rows = [{**row, "mark": ""} for row in found["before"]] + [{**row, "mark": ""} for row in found["after"]]
        if found["after"]:
            rows[len(found["before"])]["mark"] = ">"
        notes = "\n".join(f"  {safe(note)}" for note in found["notes"])
        if rows:
            print_table(title, RECORDS, rows, footer=notes)
        else:
            click.echo(safe(title) + (f"\n{notes}" if notes else ""))
    say_gaps(document)


def _heading(document: Document) -> str:
    kind = f"{document['group']}: {document['type']}, {document['state'].replace('_', ' ')}"
    told = [kind, "members unknown" if document["unsupported"] else plural(len(document["members"]), "member")]
    told += [f"assignor {document['assignor']}"] if document["assignor"] else []
    told += [f"coordinator {document['coordinator']}"] if document["coordinator"] else []
    return ", ".join(told)


def _unowned(document: Document) -> str:
    if document["unsupported"]:
        return ""
    if not document["members"]:
        return "nobody is in the group: nobody reads these partitions" if document["partitions"] else ""
    places = [f"{p['topic']}/{p['partition']}" for p in document["unowned"]]
    more = f" and {len(places) - 10} more" if len(places) > 10 else ""
    return safe(f"without an owner: {', '.join(places[:10])}{more}") if places else ""


def _assignment(member: Document) -> str:
    by_topic: dict[str, list[str]] = {}
    for place in member["assignment"]:
        by_topic.setdefault(place["topic"], []).append(str(place["partition"]))
    return " ".join(f"{topic}:{','.join(numbers)}" for topic, numbers in by_topic.items()) or "nothing"


def _offset(offset: int | None) -> str:
    return UNKNOWN if offset is None else count(offset)


def _committed(row: Document) -> str:
    """Of a partition that doesn't answer nobody knows that nothing was committed."""
    return "never" if row["committed"] is None and not row["reason"] else _offset(row["committed"])


def _outside(row: Document) -> str:
    """An offset that no longer is, or never was, in its log."""
    if row["committed"] is None or row["start"] is None or row["end"] is None:
        return ""
    if row["committed"] > row["end"]:
        return "beyond the end: the topic was made anew, or its log was cut short"
    lost = row["start"] - row["committed"]
    return f"below the start: {plural(lost, 'offset')} lost to retention" if lost > 0 else ""


def short(text: str | None, missing: str = "-") -> str:
    """Anyone's text on one line of a table."""
    return missing if text is None else safe(text, _CHARACTERS)


def time(text: str | None) -> str:
    """A document's time as tables show it."""
    return instant(datetime.fromisoformat(text)) if text else UNKNOWN


def _headers(row: Document) -> str:
    pairs = (f"{header['name']}={short(header['value'], 'null')}" for header in row["headers"])
    return safe(" ".join(pairs), _CHARACTERS) or "-"


def _members(row: dict[str, Any] | Document) -> str:
    return count(row["members"])


_GROUPS = [
    Column("group", lambda row: row["group"]),
    Column("type", lambda row: row["type"], spare=2),
    Column("state", lambda row: row["state"].replace("_", " ")),
    Column("members", _members, right=True),
    Column("topics", lambda row: UNKNOWN if row["topics"] is None else ", ".join(row["topics"]) or "-", wrap=True),
    Column("coordinator", lambda row: row["coordinator"] or UNKNOWN, spare=3),
    Column("", lambda row: row.get("topics_reason") or "", wrap=True, spare=4),
]

_MEMBERS = [
    Column("client", lambda row: row["client_id"]),
    Column("instance", lambda row: row["instance_id"] or "-", spare=3),
    Column("host", lambda row: row["host"]),
    Column("assignment", _assignment, wrap=True),
    Column("member id", lambda row: row["member_id"], spare=4, wrap=True),
]

_COMMITTED = Column("committed", _committed, right=True)
_START_OFFSET = Column("starts at", _committed, right=True)
"""Of a share group: the offset before which all is settled; it commits none."""

_PLACES = [
    Column("topic", lambda row: row["topic"]),
    Column("partition", lambda row: str(row["partition"]), right=True),
    _COMMITTED,
    Column("start", lambda row: _offset(row["start"]), right=True, spare=2),
    Column("end", lambda row: _offset(row["end"]), right=True),
    Column("member", lambda row: row["member"] or "nobody"),
    Column("host", lambda row: row["host"] or "-", spare=3),
    Column("", lambda row: row["reason"] or _outside(row), wrap=True),
]

RECORDS = [
    Column("", lambda row: row["mark"]),
    Column("offset", lambda row: count(row["offset"]), right=True),
    Column("appended", lambda row: time(row["appended_at"])),
    Column("key", lambda row: short(row["key"], "null"), wrap=True),
    Column("value", lambda row: short(row["value"], "null"), wrap=True),
    Column("headers", _headers, wrap=True, spare=2),
]
