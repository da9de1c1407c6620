"""What producers of other languages really sent (``record.py`` keeps it) is read without being told how."""

import base64
import json
from pathlib import Path

import pytest

from eventops.events import Event, Position, Record, read_event
from eventops.trace.chain import gathered, hops
from eventops.trace.identifiers import Identifier

RECORDED = Path(__file__).parent / "recorded"


def sent(name: str) -> list[Event]:
    """The records of one producer, as they stood in the log."""

    def raw(text: str | None) -> bytes | None:
        return None if text is None else base64.b64decode(text)

    held = json.loads((RECORDED / f"{name}.json").read_text())
    return [
        read_event(
            Record(
                Position(name, 0, offset),
                None,
                raw(one["key"]),
                raw(one["value"]),
                tuple((header, raw(value)) for header, value in one["headers"]),
            )
        )
        for offset, one in enumerate(held)
    ]


@pytest.mark.parametrize(
    ("name", "correlation", "told"),
    [
        (
            "javascript",
            "req-from-javascript",
            [
                ("order.placed", "order-service", 1),
                ("order.paid", None, 2),
                ("bill.sent", "/billing", 3),
                ("order.shipped", "/billing", 4),
            ],
        ),
        ("python-sdk", "req-from-python", [("order.placed", "/orders", 1), ("order.paid", "/orders", 2)]),
    ],
)
def test_their_events_are_one_chain(name: str, correlation: str, told: list[tuple[str, str | None, int]]) -> None:
    events = sent(name)
    assert {event.ids.correlation_id for event in events} == {correlation}
    found = hops(gathered(events, ()), absent="")
    assert [(hop.event.ids.event_type, hop.event.ids.source, hop.depth) for hop in found] == told
    assert all(not hop.anomalies for hop in found)
    for event in events:
        for text in (event.ids.event_id, event.ids.correlation_id):
            assert text is not None
            assert Identifier.of(text).may_be_in(event.record)
