"""``eventops trace`` against a real Jaeger: as an index, as who did what, as links, and as what is audited."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest

from tests.contracts import keeps_its_contract
from tests.telemetry.flow import CUSTOMERS, Flow, correlation

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]


def answer(flow: Flow, *words: str) -> Any:
    """A trace as JSON, with what it says on stderr under ``said``."""
    run = flow.shell("trace", *words, "-o", "json")
    found = json.loads(run.stdout)
    assert run.returncode == (5 if "--audit" in words and not found["events"] else 0), run.stderr
    keeps_its_contract(found, "trace-audit" if "--audit" in words else "trace")
    return found | {"said": run.stderr}


@pytest.mark.parametrize("number", [0, CUSTOMERS], ids=["a whole order", "a letter and its replay"])
def test_the_index_finds_what_a_search_of_the_log_finds(flow: Flow, number: int) -> None:
    by_index = answer(flow, correlation(number), "--engine", "index")
    by_log = answer(flow, correlation(number), *flow.topics)
    assert {e["event_id"] for e in by_index["events"]} == {e["event_id"] for e in by_log["events"]}
    assert by_index["coverage"]["records"] < len(flow.events) <= by_log["coverage"]["records"]
    assert f"jaeger at {flow.sky.page} named" in by_index["said"]


def test_one_event_is_found_by_its_id(flow: Flow) -> None:
    event = flow.events[0]
    found = answer(flow, str(event.ids.event_id), "--engine", "index")
    assert event.ids.event_id in {one["event_id"] for one in found["events"]}


def test_each_event_has_the_spans_of_those_who_sent_and_handled_it(flow: Flow) -> None:
    found = answer(flow, correlation(0), *flow.topics)
    assert len(found["events"]) == 8
    for event in found["events"]:
        told = [(span["operation"], span["service"]) for span in event["spans"]]
        assert ("send", event["source"]) in told
        handled = [service for operation, service in told if operation == "process"]
        assert len(handled) == len(event["deliveries"])


def test_every_link_leads_to_a_trace_that_jaeger_has(flow: Flow) -> None:
    found = answer(flow, correlation(0), *flow.topics)
    of_events = {event["trace_id"] for event in found["events"]}
    assert len(of_events) == 3, "registration, order, payment: a request each"
    assert of_events <= {trace["trace_id"] for trace in found["traces"]}, "and those that were refused meanwhile"
    for trace in found["traces"]:
        assert trace["url"] == f"{flow.sky.page}/trace/{trace['trace_id']}"
        with urllib.request.urlopen(trace["url"], timeout=10) as page:
            assert b"Jaeger" in page.read()
        held = flow.sky.asked(f"/api/v3/traces/{trace['trace_id']}")
        spans = [s for r in held["result"]["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]
        assert len(spans) == trace["spans"]
    tree = flow.shell("trace", correlation(0), *flow.topics).stdout
    assert tree.count("◷ notification-service") == 4


def test_a_whole_chain_has_nothing_to_mend(flow: Flow) -> None:
    for number, events, deliveries in ((0, 8, 8), (CUSTOMERS, 2, 4)):
        found = _settled(flow, correlation(number))
        assert (found["findings"], found["services"]) == ([], [])
        assert (found["events"], found["sent"]) == (events, events)
        assert (found["deliveries"], found["handled"]) == (deliveries, deliveries)


def _settled(flow: Flow, identifier: str) -> Any:
    """Events younger than 15 s aren't judged."""
    deadline = time.monotonic() + 40
    while (found := answer(flow, identifier, "--audit", *flow.topics))["settling"]:
        assert time.monotonic() < deadline
    return found
