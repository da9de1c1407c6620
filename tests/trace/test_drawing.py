"""What people see: the tree as text, the flowchart, and nothing that a terminal would obey."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Event, Ids, Position, Record
from eventops.ports import Bounds, Committed, Group, LogBounds
from eventops.trace.chain import gathered, hops
from eventops.trace.drawing import Line, mermaid, summary, tree
from eventops.trace.model import DeadLetter, TraceReport
from eventops.trace.rules import Readers, delivered
from tests.trace.scene import CORRELATION, event, letter, report_of


def report(*held: Event, letters: tuple[DeadLetter, ...] = ()) -> TraceReport:
    """What the service would make of it, with a group that has read everything but the last record."""
    homes = {one.position.home for one in held}
    offsets = {home: max(one.position.offset for one in held if one.position.home == home) for home in homes}
    readers = Readers(
        (Group("billing", "classic", "stable"),),
        Committed({"billing": offsets}),
        Bounds({home: LogBounds(0, 99, 99) for home in homes}),
    )
    return report_of(delivered(hops(gathered(held, letters), absent="it is gone"), readers))


CHAIN = report(
    event("order", at="orders/0/0"),
    event("points", "order", "orders/0/1", 0.12),
    event("mail", "points", "orders/0/2", 0.7),
    event("mail", "points", "orders/0/3", 9, replay="r1"),
    event("paid", "order", "orders/0/4", -2),
    letters=(
        letter("mail", "orders/0/2", replayed=True),
        letter("paid", "orders/0/9", at="orders-dlt/0/1", group=None),
    ),
)


def test_a_chain_is_drawn_as_a_tree() -> None:
    assert (
        "\n".join(line.text for line in tree(CHAIN))
        == """\
└─ type.order  order  order-service
   │  orders/0/0  2026-01-15T12:00:00.000Z
   │  ✓ billing  consumed  committed 4 > offset 0
   ├─ type.paid  paid  order-service  -2.0 s
   │     orders/0/4  2026-01-15T11:59:58.000Z
   │     … billing  pending  committed 4 <= offset 4
   │     ✗ a group that is not named  dead letter  orders-dlt/0/1: NoStock
   │     ! clock skew: it happened 2.0 s before its cause: the clocks of their machines differ
   └─ type.points  points  order-service  +120 ms
      │  orders/0/1  2026-01-15T12:00:00.120Z
      │  ✓ billing  consumed  committed 4 > offset 1
      └─ type.mail  mail  order-service  +580 ms
            orders/0/2  2026-01-15T12:00:00.700Z
            ↻ billing  replayed  letter orders-dlt/0/0: NoStock, put back; orders/0/3 is consumed
            ↻ replayed as orders/0/3
              ✓ billing  consumed  committed 4 > offset 3"""
    )


def test_one_line_says_it_all() -> None:
    assert summary(CHAIN) == "req-1: 4 events, 3 hops deep, 2.7 s, 1 service, 2 dead letters, 1 anomaly"


def test_a_flowchart_has_arrows_from_cause_to_effect() -> None:
    lines = list(mermaid(CHAIN))
    assert lines[:2] == ["flowchart TD", '    e0["type.order<br/>order-service<br/>✓ billing"]']
    assert '    e0 -->|"-2.0 s"| e1' in lines
    assert lines[-1] == "    class e1,e3 failed"


@pytest.mark.parametrize("drawn", [tree, mermaid])
@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_is_obeyed(
    drawn: Callable[[TraceReport], Iterable[str | Line]], name: str, kind: str, source: str, cause: str
) -> None:
    nasty = event("a")
    ids = Ids(f"{name}\x1b[2J", f'"]{kind}\x9b<script>', f"{source}\u202e\n", CORRELATION, cause)
    hostile = Event(Record(Position("orders", 0, 0), None, None, None), ids)
    found = report(hostile, replace(nasty, record=replace(nasty.record, position=Position("orders", 0, 1))))
    lines = [line if isinstance(line, str) else line.text for line in drawn(found)]
    assert all(unicodedata.category(character)[0] != "C" for line in lines for character in line)
    if drawn is mermaid:
        assert all(line.count('"') in (0, 2) and "<script" not in line for line in lines)
