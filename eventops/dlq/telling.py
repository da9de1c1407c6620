"""A replay in words, counted: what both faces say of a plan and of its outcome. Pure; takes the room's documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Counted = tuple[int, str]
Document = Mapping[str, Any]


def plan(document: Document) -> Iterator[Counted]:
    """What would become of the selected letters; reasons are untrusted text."""
    found = document["plan"]
    number = found["planned"]
    if document["action"] == "discard":
        yield number, f"{_letters(number)} to discard: kept in the log, written off in the ledger"
    elif document["action"] == "restore":
        yield number, f"{_letters(number)} to restore: open again"
    else:
        targets = Counter(record["topic"] for record in found["records"])
        yield from ((number, f"{_letters(number)} to {topic}") for topic, number in sorted(targets.items()))
        if origins := sum(record["taken_from"] == "origin" for record in found["records"]):
            yield origins, "of them as the origin record, which can still be read"
        changes = Counter(record["change"] for record in found["records"] if record["change"])
        yield from ((number, f"of them {change}") for change, number in sorted(changes.items()))
    if found["already_replayed"]:
        yield found["already_replayed"], "already replayed"
    for one in found["already_elsewhere"]:
        number, also = one["letters"], "" if document["action"] != "replay" else ": --again puts them here as well"
        yield number, f"of them to {one['topic']}{also}"
    yield from _reasons(document, "refused")


def promise(document: Document) -> str:
    """What its execution guarantees."""
    if not document["plan"]["planned"]:
        return f"nothing to {document['action']}"
    if document["action"] != "replay":
        return "only the ledger is written to: the letters stay where they are"
    if document["guarantee"] == "at_least_once":
        return "guarantee: at_least_once: what is in hand when it is killed may be appended twice"
    return f"guarantee: {document['guarantee'].replace('_', ' ')}, for readers of committed records"


def outcome(document: Document) -> Iterator[Counted]:
    """What was done; reasons are untrusted text."""
    for name in ("replayed", "discarded", "restored", "parked"):
        number = document[name]
        if number or (name == "replayed" and document["action"] == "replay"):
            yield number, f"{_letters(number)} {name}"
    if number := document["overtaken"]:
        yield number, f"{_letters(number)} had been dealt with by another operator meanwhile"
    if number := len(document["failed_again"]):
        yield number, f"{_letters(number)} failed again: {', '.join(document['failed_again'][:3])}"
    if number := document["in_doubt"]:
        yield (
            number,
            f"{_letters(number)} in doubt: the broker didn't answer in time, the ledger will tell the next run",
        )
    yield from _reasons(document, "parked")
    if (number := document["failed"] - document["in_doubt"]) > 0:
        yield number, f"not tried: {document['stopped']}"


def _letters(number: int) -> str:
    return "letter" if number == 1 else "letters"


def _reasons(document: Document, *outcomes: str) -> Iterator[Counted]:
    """Letters that weren't put back, counted by reason."""
    found = Counter((one["outcome"], one["reason"]) for one in document["refusals"] if one["outcome"] in outcomes)
    yield from ((number, f"{said}: {reason}") for (said, reason), number in found.most_common())
