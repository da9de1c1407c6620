"""What people see: the tree as text, the flowchart, and nothing that a terminal would obey."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Event, Ids, Position, Record
from eventops.ports import Bounds, Committed, Group, LogBounds, StoredSpan
from eventops.trace import payload
from eventops.trace.chain import gathered, hops
from eventops.trace.drawing import Line, summary, tree
from eventops.trace.graphs import dot, mermaid
from eventops.trace.model import DeadLetter, Delivery, Status, TraceReport
from eventops.trace.page import html
from eventops.trace.picture import svg
from eventops.trace.rules import Readers, delivered
from eventops.trace.timeline import timeline
from tests.trace.scene import CORRELATION, NOON, event, letter, report_of


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


def slow() -> TraceReport:
    """An order; four seconds later its mail, which somebody took up after one more second, for two."""
    found = report(
        event("order", at="orders/0/0"), event("mail", "order", "orders/0/1", 4), event("x", "mail", "x/0/0", 4)
    )
    start = NOON + timedelta(seconds=5)
    span = StoredSpan("t", "s", None, "mailer", "process orders", start, 2.0, "SMTPRefused", operation="process")
    return replace(found, events=(found.events[0], replace(found.events[1], spans=(span,)), found.events[2]))


SLOW = slow()
SLOW_TIMELINE = """\
        at        hop      queue
      0 ms                       ●                      type.order  order  order-service
     4.0 s      4.0 s            ───────────●             type.mail  mail  order-service
     5.0 s      2.0 s      1.0 s            ░░░███████  mailer process orders  SMTPRefused
     4.0 s       0 ms                       ●               type.x  x  order-service"""


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


def test_a_graph_for_graphviz() -> None:
    lines = list(dot(CHAIN))
    assert lines[3] == '  e0 [label="type.order\\norder-service\\norders/0/0\\n✓ billing"];'
    assert '  e0 -> e1 [label="-2.0 s"];' in lines
    assert sum("color=red" in line for line in lines) == 2
    assert lines[-1] == "}"


def test_a_timeline_is_a_waterfall() -> None:
    assert "\n".join(line.text.rstrip() for line in timeline(SLOW, 75)) == SLOW_TIMELINE


def test_a_timeline_without_spans_says_what_it_lacks() -> None:
    assert [line.text for line in timeline(CHAIN, 80)][
        -1
    ] == "queue times need spans: name a trace store in the context"


def test_a_picture_has_a_row_an_event_and_is_xml() -> None:
    picture = ElementTree.fromstring("\n".join(svg(SLOW)))
    titles = [found.text or "" for found in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "orders/0/0\nconsumed billing: committed 1 > offset 0"
    assert "mailer process orders 2.0 s" in titles


def test_a_page_stands_alone_and_shows_payloads_only_where_asked() -> None:
    page = "\n".join(html(CHAIN, NOON, values=True))
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=|<script", page)
    assert "&quot;eventType&quot;: &quot;type.order&quot;" in page
    assert "eventType" not in "\n".join(html(CHAIN, NOON))
    assert page.count("<details") == 4


def test_a_page_tells_what_became_of_every_copy() -> None:
    found = report(event("a"), event("a", at="orders/0/5", seconds=1, replay="r1"))
    (hop,) = found.events
    passed = Delivery("billing", Status.CONSUMED, None, "committed 6 > offset 5")
    copies = tuple(replace(copy, deliveries=(passed,)) for copy in hop.copies)
    page = "\n".join(html(replace(found, events=(replace(hop, copies=copies),)), NOON))
    assert "replayed as</td><td>orders/0/5" in page
    assert "committed 6 &gt; offset 5" in page


def test_a_tree_shows_payloads_inside_their_branch() -> None:
    lines = [line.text for line in tree(CHAIN, values=True)]
    assert lines[2:5] == ["   │    {", '   │      "eventId": "order",', '   │      "eventType": "type.order",']


def test_an_enormous_or_binary_value_is_cut_and_says_so() -> None:
    for value in (b"x" * 5_000_000, b'{"a":' * 100_000, b"\xff" * 3_000_000, b'{"a":"' + b"b" * 900_000 + b'"}'):
        shown = list(payload.lines(value))
        assert sum(map(len, shown)) < 5_000
        assert shown[-1] == f"… {len(value):,} bytes in all"


def test_every_picture_is_bounded() -> None:
    """Ten thousand events in one chain: what isn't shown is counted, and nothing recurses or grows with the square."""
    held = [event(f"e{n}", f"e{n - 1}" if n else None, f"orders/0/{n}", n) for n in range(10_000)]
    found = report(*held)
    for drawn in (mermaid(found), dot(found), svg(found), html(found, NOON), timeline(found, 100)):
        text = "\n".join(line if isinstance(line, str) else line.text for line in drawn)
        assert "9,500 more events" in text
        assert len(text) < 1_000_000


FORMS = (
    tree,
    mermaid,
    dot,
    svg,
    lambda found: timeline(found, 100),
    lambda found: html(found, NOON, values=True),
    lambda found: tree(found, values=True),
)


@pytest.mark.parametrize("drawn", FORMS)
@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_is_obeyed(
    drawn: Callable[[TraceReport], Iterable[str | Line]], name: str, kind: str, source: str, cause: str
) -> None:
    nasty = event("a")
    ids = Ids(f"{name}\x1b[2J", f'"]{kind}\x9b<script>', f"{source}\u202e\n</svg>", CORRELATION, cause)
    value = b"\x1b[31m</pre><script>" + kind.encode("utf-8", "replace")
    hostile = Event(Record(Position("orders", 0, 0), None, b"<b>", value), ids)
    found = report(hostile, replace(nasty, record=replace(nasty.record, position=Position("orders", 0, 1))))
    lines = [line if isinstance(line, str) else line.text for line in drawn(found)]
    assert all(unicodedata.category(c)[0] != "C" for line in lines for c in line.replace("\n", ""))
    if drawn is mermaid:
        assert all(line.count('"') in (0, 2) and "<script" not in line for line in lines)
    if drawn is dot:
        assert all(len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) in (0, 2) for line in lines if "label" in line)
    if drawn is svg:
        ElementTree.fromstring("\n".join(lines))
    if drawn in FORMS[3:6:2]:
        assert "<script" not in "\n".join(lines)
