"""How ``eventops lag`` draws its rows."""

from __future__ import annotations

from typing import Final

from eventops.cli.output import Column, Document
from eventops.lag import rules
from eventops.wording import UNKNOWN, count, duration, few


def _offset(offset: int | None) -> str:
    return "-" if offset is None else count(offset)


def _style(row: Document) -> str:
    return _STYLES.get(_word(row), "")


def _word(row: Document) -> str:
    """The verdict; where that takes more polls, where it stands meanwhile."""
    verdict = row["verdict"]
    return str(row["standing"] if verdict == "not_enough_history" else verdict)


def _for_people(row: Document) -> str:
    """Nobody can tell "never committed" from offsets that Kafka dropped."""
    word = _word(row)
    return "no commit" if word == "never_committed" else word.replace("_", " ")


_STYLES: Final = {
    "lost_records": "bold red",
    "topic_recreated": "bold red",
    "ahead_of_log": "bold red",
    "stop": "bold red",
    "stall": "bold red",
    "rewind": "bold red",
    "inactive": "red",
    "warn": "yellow",
    "behind": "yellow",
    "never_committed": "yellow",
    "topic_deleted": "magenta",
    "unknown": "magenta",
    "unsupported": "magenta",
    "ok": "green",
    "caught_up": "green",
}


def _waits(row: Document) -> str:
    """``~``: interpolated between polls instead of read from the record."""
    seconds = row["lag_age_seconds"]
    if not seconds:
        return UNKNOWN if seconds is None else "0 ms" if row["lag"] else "-"
    return ("~" if row["lag_age_method"] == "interpolated" else "") + duration(seconds)


_VERDICT: Final = Column("verdict", _for_people, style=_style)
_LAG: Final = Column("lag", lambda row: count(row["lag"]), right=True)
_AGE: Final = Column("oldest waits", _waits, right=True, spare=1)
_WHY: Final = Column("", lambda row: _why(row), wrap=True)
_GROUP: Final = Column("group", lambda row: row["group"])
_TOPIC: Final = Column("topic", lambda row: row["topic"])


def _why(row: Document) -> str:
    return "; ".join(part for part in (_held_back(row), _evidence(row)) if part)


def _held_back(row: Document) -> str:
    """Who reads committed records stands still at an open transaction, however little lag is shown."""
    if not row.get("held_back"):
        return ""
    seconds = row["held_back_seconds"]
    age = "an open transaction" if seconds is None else f"a transaction open for {duration(seconds)}"
    hung = ", which hangs" if rules.is_hung(seconds) else ""
    return f"{age}{hung}, holds back {count(row['held_back'])}"


def _evidence(row: Document) -> str:
    """What isn't known and why, else what the verdict rests on; that it takes more polls is told once, below."""
    if reason := row.get("lag_reason"):
        return str(reason)
    told = row["verdict"] not in ("not_enough_history", "caught_up")
    return str(row["evidence"] if told else row.get("lag_age_seconds_reason") or "")


def _rate(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{rate:,.1f}"


def _eta(row: Document) -> str:
    seconds = row["eta_seconds"]
    if seconds is None:
        return "never" if row["eta_is_never"] else UNKNOWN
    return "-" if seconds == 0 else duration(seconds)


GROUPS: Final = [
    _GROUP,
    _VERDICT,
    _LAG,
    _AGE,
    Column("members", lambda row: count(len(row["members"])), right=True, spare=2),
    Column("partitions", lambda row: count(len(row["partitions"])), right=True, spare=4),
    Column("state", lambda row: row["state"].replace("_", " "), spare=3),
    _WHY,
]

PACE: Final = [
    Column("in/s", lambda row: _rate(row["rate_in"]), right=True, spare=2),
    Column("out/s", lambda row: _rate(row["rate_out"]), right=True, spare=2),
    Column("caught up in", _eta, right=True, spare=1),
]

PARTITIONS: Final = [
    _TOPIC,
    Column("partition", lambda row: str(row["partition"]), right=True),
    _VERDICT,
    _LAG,
    _AGE,
    Column("start", lambda row: _offset(row["start"]), right=True, spare=5),
    Column("committed", lambda row: _offset(row["committed"]), right=True, spare=4),
    Column("end", lambda row: _offset(row["end"]), right=True, spare=4),
    Column("member", lambda row: row["member"] or "nobody", spare=3),
    _WHY,
]


COLUMNS: Final = {
    "group": GROUPS,
    "topic": [
        _TOPIC,
        _VERDICT,
        _LAG,
        _AGE,
        Column("partitions", lambda row: count(row["partitions"]), right=True, spare=4),
        Column("groups", lambda row: few(row["groups"]), wrap=True, spare=2),
        _WHY,
    ],
    "member": [
        _GROUP,
        Column("member", lambda row: row["client_id"] or "nobody"),
        Column("host", lambda row: row["host"] or "-", spare=2),
        _VERDICT,
        _LAG,
        _AGE,
        Column("partitions", lambda row: count(row["partitions"]), right=True, spare=3),
        _WHY,
    ],
    "partition": [_GROUP, *PARTITIONS],
}


def columns(by: str, *, with_pace: bool = False) -> list[Column]:
    """The columns of a view; rates only where several polls told them."""
    found = list(COLUMNS[by])
    return [*found[:4], *PACE, *found[4:]] if with_pace and by == "group" else found
