"""Three services and a mail server as real processes: what a customer does arrives, once, under one correlation id."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from eventops.events import Event, Record, read_event, trace_id_of
from tests.services import kafka
from tests.services.processes import ROOT, Stack, mail_environ, until

pytestmark = pytest.mark.broker


def mails(control: str) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = httpx.get(f"{control}/mails").json()
    return listed


def events_of(bootstrap: str, prefix: str) -> list[Event]:
    names = ("user-events", "order-events", "notification-events")
    topics = [f"{prefix}{name}" for name in names]
    records = [r for topic in topics for r in kafka.read(bootstrap, topic, kafka.size(bootstrap, topic))]
    return [read_event(record) for record in records]


def test_register_order_pay(services: Stack, bootstrap_servers: str, prefix: str) -> None:
    mail = services.start("mailserver")
    users, orders = services.start("users"), services.start("orders")
    notifications = services.start("notifications", RETRY_BASE_SECONDS="1", **mail_environ(mail))
    headers = {"X-Correlation-Id": "req-chain"}
    with httpx.Client(headers=headers, timeout=10) as http:
        http.post(f"{mail.http}/outage", json={"seconds": 0.5}).raise_for_status()
        answer = http.post(f"{users.http}/users", json={"email": "ann@example.com"})
        assert answer.headers["X-Correlation-Id"] == "req-chain"
        order = {"userId": answer.json()["userId"], "total": 59.9}
        placed = until(lambda: _created(http.post(f"{orders.http}/orders", json=order)))
        paid = http.post(f"{orders.http}/orders/{placed['orderId']}/pay").json()
        assert http.post(f"{orders.http}/orders/{placed['orderId']}/pay").status_code == 409, "paid is paid"
        first = http.get(f"{orders.http}/orders/{placed['orderId']}", params={"version": 1}).json()
        assert (first["status"], paid["status"], paid["version"]) == ("placed", "paid", 2)
        assert http.get(f"{notifications.http}/health").json()["status"] == "ok"
    until(lambda: kafka.size(bootstrap_servers, f"{prefix}notification-events") == 4)
    assert Counter(m["subject"].split(placed["orderId"])[0].strip() for m in mails(mail.http)) == Counter(
        ["Welcome", "We have your order", "Your order", "You earned 59 points"]
    )
    assert {m["correlation_id"] for m in mails(mail.http)} == {"req-chain"}
    _assert_one_chain(events_of(bootstrap_servers, prefix))
    groups = [prefix + name for name in ("notification-group", "order-group", "loyalty-group")]
    assert [kafka.members(bootstrap_servers, group) for group in groups] == [1, 1, 1]
    for service in (notifications, orders, users, mail):
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 4
    left = [kafka.members(bootstrap_servers, group) for group in groups]
    assert left == [0, 0, 0], "they left, they didn't time out"


def _created(answer: httpx.Response) -> dict[str, Any] | None:
    """None while the order-service hasn't heard of the customer."""
    assert answer.status_code in (201, 409), answer.text
    body: dict[str, Any] = answer.json()
    return body if answer.status_code == 201 else None


def _assert_one_chain(events: list[Event]) -> None:
    by_id = {event.ids.event_id: event for event in events}
    assert len(by_id) == len(events) == 8
    assert {event.ids.correlation_id for event in events} == {"req-chain"}

    def path(event: Event) -> list[str | None]:
        cause = by_id.get(event.ids.causation_id)
        return [*(path(cause) if cause else []), event.ids.event_type]

    deepest = max((path(event) for event in events), key=len)
    assert deepest == ["order.placed", "order.paid", "loyalty.pointsEarned", "notification.emailSent"]
    for event in events:
        cause = by_id.get(event.ids.causation_id)
        if cause is not None and cause.ids.event_type != "order.placed":
            assert event.ids.trace_id == cause.ids.trace_id, "one trace through all services"
        assert trace_id_of(event.record.header("traceparent"))
        assert event.record.header("baggage") == b"correlation.id=req-chain"


def test_traffic_makes_real_failures_of_three_kinds(services: Stack, bootstrap_servers: str, prefix: str) -> None:
    mail = services.start("mailserver")
    users, orders = services.start("users"), services.start("orders")
    services.start("notifications", **mail_environ(mail))
    arguments = ["--users", users.http, "--orders", orders.http, "--mail", mail.http]
    arguments += ["--bootstrap-servers", bootstrap_servers, "--rate", "15", "--seed", "3", "--duration", "9"]
    run = subprocess.run(
        [sys.executable, "-m", "reference_services.traffic", *arguments],
        cwd=ROOT,
        env=services.whole_environ(),
        capture_output=True,
        text=True,
        timeout=40,
        check=True,
    )
    summary = json.loads(run.stdout)
    assert summary["requests"] == sum(summary["by_kind"].values()) > 90
    assert summary["example_correlation_ids"]
    assert all("seconds" in line or "mishap" in line for line in map(json.loads, run.stderr.splitlines()))
    wanted = {"smtplib.SMTPRecipientsRefused", "ConnectionRefusedError", "eventops.events.MalformedEvent"}
    until(lambda: wanted <= {_cause(letter) for letter in _letters(bootstrap_servers, prefix)})
    example = summary["example_correlation_ids"][0]
    until(lambda: any(m["correlation_id"] == example for m in mails(mail.http)))
    kept = [m["message_id"] for m in mails(mail.http)]
    assert len(kept) == len(set(kept)), "each mail once"
    assert not any(m["to"].endswith("@refused.example") for m in mails(mail.http))
    until(lambda: _caught_up(bootstrap_servers, prefix))
    _put_refused_letters_back_twice(bootstrap_servers, prefix, mail.http)


def _caught_up(bootstrap: str, prefix: str) -> bool:
    topics = [prefix + name for name in ("user-events", "order-events")]
    group = prefix + "notification-group"
    return all(kafka.committed(bootstrap, group, topic) == kafka.size(bootstrap, topic) for topic in topics)


def _put_refused_letters_back_twice(bootstrap: str, prefix: str, control: str) -> None:
    """Once the addresses are accepted, each event that is put back brings its mail, once."""
    httpx.delete(f"{control}/refuse").raise_for_status()
    refused = [x for x in _letters(bootstrap, prefix) if _cause(x) == "smtplib.SMTPRecipientsRefused"]
    assert refused
    for origin in {letter.header("kafka_dlt-original-topic") or b"" for letter in refused}:
        of_topic = [letter for letter in refused if letter.header("kafka_dlt-original-topic") == origin]
        again: list[kafka.Outgoing] = [((letter.key or b"").decode(), letter.value or b"", []) for letter in of_topic]
        kafka.produce(bootstrap, origin.decode(), again * 2)
    until(lambda: _caught_up(bootstrap, prefix))
    arrived = [m["event_id"] for m in mails(control) if m["to"].endswith("@refused.example")]
    assert sorted(arrived) == sorted(str(read_event(letter).ids.event_id) for letter in refused)


def _letters(bootstrap: str, prefix: str) -> list[Record]:
    topics = [f"{prefix}user-events-dlt", f"{prefix}order-events-dlt"]
    return [r for topic in topics for r in kafka.read(bootstrap, topic, kafka.size(bootstrap, topic))]


def _cause(letter: Record) -> str:
    return (letter.header("kafka_dlt-exception-cause-fqcn") or b"").decode()
