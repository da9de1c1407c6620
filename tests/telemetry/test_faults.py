"""Faults of tracing as services really make them, and what ``--audit`` says of them by a real Jaeger's spans."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient

from eventops.events import BAGGAGE, TRACEPARENT, Envelope, Record
from reference_services.kit.records import record_of
from reference_services.kit.topics import create_missing
from reference_services.kit.tracing import Send, Tracing
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.services import kafka
from tests.services.processes import until
from tests.telemetry.observatory import Observatory

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

SHOP, MAILER = "shop-service", "mailer-service"


@dataclass(frozen=True)
class Fault:
    """What a service does wrong, and what an audit has to say: kind and service to mend."""

    name: str
    findings: tuple[tuple[str, str | None], ...]


FAULTS: Final = [
    Fault("none", ()),
    Fault("the mailer drops the correlation id", (("correlation_dropped", MAILER),)),
    Fault("the mailer makes a correlation id of its own", (("correlation_changed", MAILER),)),
    Fault("the mailer starts a new trace", (("new_trace", MAILER),)),
    Fault("the mailer sends outside of its handling", (("new_trace", MAILER),)),
    Fault("the mailer handles without a span", (("delivery_without_span", MAILER),)),
    Fault("the shop never exports", (("event_without_span", SHOP),)),
    Fault("the shop writes no trace context", (("no_trace_context", SHOP),)),
    Fault("the shop doubles its traceparent", (("no_trace_context", SHOP),)),
    Fault("the shop tells of a message that was never sent", (("span_without_event", SHOP),)),
]


class Shop:
    """Places orders; some wrongly. Each under a correlation id of its own."""

    def __init__(self, bootstrap: str, topic: str, run: str, tracing: Tracing, silent: Tracing) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap})
        self._topic = topic
        self._run = run
        self._tracing = tracing
        self._silent = silent

    def correlation(self, fault: Fault) -> str:
        """Of the request in which this fault happens."""
        return f"req-{FAULTS.index(fault)}-{self._run}"

    def place(self, fault: Fault) -> None:
        """One order; two where the first is handled without a span, so that the second tells who handles."""
        tracing = self._silent if fault.name == "the shop never exports" else self._tracing
        for number in range(2 if fault.name == "the mailer handles without a span" else 1):
            data = {"fault": fault.name if number == 0 else "none"}
            event = Envelope("order.placed", SHOP, data, self.correlation(fault), kafka.NOW)
            with tracing.serving("POST", "/things", [], event.correlation_id):
                send = tracing.start_send(self._topic, event.to_headers(), event.event_id)
            headers = send.headers
            if fault.name == "the shop writes no trace context":
                headers = [header for header in headers if header[0] not in (TRACEPARENT, BAGGAGE)]
            if fault.name == "the shop doubles its traceparent":
                headers = [*headers, (TRACEPARENT, f"00-{uuid.uuid4().hex}-{'7' * 16}-01".encode())]
            deliver(self._producer, self._topic, event.event_id, event.to_json(), headers, send)
        if fault.name == "the shop tells of a message that was never sent":
            ghost = Envelope("order.placed", SHOP, {}, self.correlation(fault), kafka.NOW)
            with tracing.serving("POST", "/things", [], ghost.correlation_id):
                tracing.start_send(self._topic, ghost.to_headers(), None).delivered(None, 0, 999)


class Mailer:
    """Handles orders and tells of the mails; some wrongly."""

    def __init__(self, bootstrap: str, orders: str, mails: str, tracing: Tracing, silent: Tracing) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap})
        self._group = f"{orders}-group"
        own = {"bootstrap.servers": bootstrap, "group.id": self._group, "auto.offset.reset": "earliest"}
        self._consumer = Consumer({**own, "enable.auto.commit": False})
        self._orders = orders
        self._mails = mails
        self._tracing = tracing
        self._silent = silent

    def handle(self, count: int) -> None:
        """That many orders, then leave."""
        self._consumer.subscribe([self._orders])
        deadline = time.monotonic() + 30
        while count:
            assert time.monotonic() < deadline
            message = self._consumer.poll(0.2)
            if message is not None and message.error() is None:
                self._deal_with(record_of(message))
                self._consumer.commit(message=message, asynchronous=False)
                count -= 1
        self._consumer.close()

    def _deal_with(self, record: Record) -> None:
        order = Envelope.parse(record.value)
        fault = str(order.data["fault"])
        tracing, seen = self._tracing, record
        if fault == "the mailer starts a new trace":
            seen = replace(record, headers=tuple(h for h in record.headers if h[0] != TRACEPARENT))
        if fault == "the mailer handles without a span":
            with self._silent.processing(record, self._group):
                return
        if fault == "the mailer sends outside of its handling":
            with tracing.processing(seen, self._group):
                pass
            self._tell(order, fault)
            return
        with tracing.processing(seen, self._group):
            self._tell(order, fault)

    def _tell(self, order: Envelope, fault: str) -> None:
        correlation = order.correlation_id
        if fault == "the mailer makes a correlation id of its own":
            correlation = f"mail-{order.event_id}"
        mail = Envelope("mail.sent", MAILER, {}, correlation, kafka.NOW, causation_id=order.event_id)
        body, headers = json.loads(mail.to_json()), mail.to_headers()
        if fault == "the mailer drops the correlation id":
            del body["metadata"]["correlationId"]
            headers = [header for header in headers if header[0] != "ce_correlationid"]
        send = self._tracing.start_send(self._mails, headers, mail.event_id)
        sent = [header for header in send.headers if header[0] != BAGGAGE]
        deliver(self._producer, self._mails, mail.event_id, json.dumps(body).encode(), sent, send)


def deliver(
    producer: Producer, topic: str, key: str, value: bytes, headers: list[tuple[str, bytes | None]], send: Send
) -> None:
    """Returns when the broker has it."""

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        send.delivered(error.name() if error else None, message.partition(), message.offset())

    producer.produce(topic, value=value, key=key.encode(), headers=list(headers), on_delivery=on_delivery)
    assert producer.flush(10) == 0


@dataclass(frozen=True)
class Scene:
    """Every fault has happened, and every span that arrives has arrived."""

    shop: Shop
    shell: Shell
    topics: tuple[str, str]

    def audit(self, fault: Fault) -> Any:
        """As JSON; its exit code under ``code``."""
        words = [word for topic in self.topics for word in ("--topic", topic)]
        run = self.shell("trace", self.shop.correlation(fault), "--audit", "-o", "json", *words)
        found = json.loads(run.stdout)
        assert run.returncode in ((0, 1) if found["events"] else (1, 5)), run.stderr
        return found | {"code": run.returncode}


@pytest.fixture(scope="module")
def scene(sky: Observatory, bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    run, home = uuid.uuid4().hex[:8], tmp_path_factory.mktemp("faults")
    orders, mails = f"orders-{run}", f"mails-{run}"
    create_missing(AdminClient({"bootstrap.servers": bootstrap_servers}), [orders, mails])
    with pytest.MonkeyPatch.context() as patched:
        for name, value in sky.environ.items():
            patched.setenv(name, value)
        shop, mailer = Tracing(SHOP, sky.environ), Tracing(MAILER, sky.environ)
    silent = Tracing("silent", {})
    at_the_shop = Shop(bootstrap_servers, orders, run, shop, silent)
    for fault in FAULTS:
        at_the_shop.place(fault)
    Mailer(bootstrap_servers, orders, mails, mailer, silent).handle(len(FAULTS) + 1)
    for tracing in (shop, mailer, silent):
        tracing.shutdown()
    until(lambda: len([s for s in sky.spans([MAILER]) if s.operation == "process"]) == len(FAULTS))
    return Scene(at_the_shop, shell(home, bootstrap_servers, sky.page), (orders, mails))


def shell(home: Path, bootstrap: str, page: str) -> Shell:
    """One whose context names the store."""
    named = f'"bootstrap.servers" = "{bootstrap}"\n"eventops.jaeger" = "{page}"\n'
    (home / "contexts.toml").write_text(f'current = "lab"\n[contexts.lab]\n{named}')
    return Shell(home)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_the_audit_names_the_fault_and_the_service_to_mend(scene: Scene, fault: Fault) -> None:
    found = _settled(scene, fault)
    keeps_its_contract({name: value for name, value in found.items() if name != "code"}, "trace-audit")
    told = sorted({(one["kind"], one["service"]) for one in found["findings"]}, key=str)
    assert told == sorted(fault.findings, key=str), found["findings"]
    assert found["code"] == (1 if fault.findings else 0)
    assert {one["service"] for one in found["services"]} == {service for _, service in fault.findings}


def test_a_store_without_any_span_of_the_chain_blames_nobody(scene: Scene, bootstrap_servers: str) -> None:
    """Its retention was shorter, say."""
    nobody, hour = Tracing("silent", {}), 3_600_000
    event = Envelope("order.placed", SHOP, {}, f"req-gone-{uuid.uuid4().hex[:8]}", kafka.NOW)
    with nobody.start_send(scene.topics[0], event.to_headers(), None) as send:
        producer, an_hour_ago = Producer({"bootstrap.servers": bootstrap_servers}), int(time.time() * 1000) - hour
        producer.produce(scene.topics[0], event.to_json(), headers=list(send.headers), timestamp=an_hour_ago)
    assert producer.flush(10) == 0
    run = scene.shell("trace", event.correlation_id, "--audit", "-o", "json", "--topic", scene.topics[0])
    found = json.loads(run.stdout)
    assert (found["events"], found["spans"], found["findings"], run.returncode) == (1, 0, [], 5)
    assert "the store holds no span of this event: its retention may be shorter" in " ".join(run.stderr.split())
    nobody.shutdown()


def _settled(scene: Scene, fault: Fault) -> Any:
    """Events younger than 15 s aren't judged."""
    deadline = time.monotonic() + 40
    while (found := scene.audit(fault))["settling"]:
        assert time.monotonic() < deadline
    return found
