"""What telemetry costs a message: ``python -m benchmarks.telemetry HOST:PORT [--messages N]``.

In one run, on one broker, several times in turn, the best of each: messages produced as the outbox's relay does it, and
handled as the runner does it (poll, parse, an empty handler, a commit a message), by the same code

* without: every call to the kit's tracing does nothing;
* disabled: the kit under ``OTEL_SDK_DISABLED=true``;
* SDK: OpenTelemetry alone, with as many spans and attributes, exported; no kit, no headers, no metrics: the floor;
* with: the kit, spans and metrics exported over OTLP to a process that takes them, the export's end included.

Printed are microseconds a message, by the clock and of this process's CPU (export thread and Kafka client included),
and the ratio to *without*. At the end the receiver is asked whether it got every span.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Event as Flag
from typing import Any

from confluent_kafka import KafkaError, Message
from confluent_kafka.admin import AdminClient
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from eventops.events import Envelope, Record
from reference_services.kit import clients
from reference_services.kit.export import Export
from reference_services.kit.metrics import Metrics
from reference_services.kit.propagation import AnyHeaders
from reference_services.kit.runner import Runner
from reference_services.kit.settings import Settings
from reference_services.kit.topics import create_missing
from reference_services.kit.tracing import Handling, Send, Tracing

RUNS = 3
SENT, HANDLED = "produce", "process"
WITHOUT, DISABLED, SDK, WITH = "without", "disabled", "SDK", "with"
ATTRIBUTES = {f"messaging.attribute.{number}": f"value {number}" for number in range(15)}
SENDS, HANDLES, COMMITS = 11, 15, 10
"""How many attributes the kit's spans have at their start."""


class Untraced(Tracing):
    """The kit's interface; does nothing."""

    def __init__(self) -> None:
        self.export = Export("benchmark", {})
        self.metrics = Metrics(self.export.metrics)
        self._send = _Nothing(trace.INVALID_SPAN, "", [], self.metrics)
        self._handling = Handling(trace.INVALID_SPAN, "", "", None, self.metrics)

    def polled(self, record: Record, group: str, began: int) -> None:
        """Nothing."""

    @contextmanager
    def processing(self, record: Record, group: str) -> Iterator[Handling]:
        """Nothing."""
        yield self._handling

    def committing(self, record: Record, group: str) -> Any:
        """Nothing."""
        return nullcontext()

    def start_send(self, topic: str, headers: AnyHeaders, key: str | None) -> Send:
        """The headers as they are."""
        self._send.headers = list(headers)
        return self._send


class _Nothing(Send):
    def delivered(self, error: str | None, partition: int | None, offset: int | None) -> None:
        """Nothing."""


class SdkAlone(Untraced):
    """As many spans, with as many attributes, by the SDK itself."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self.export = Export("benchmark", environ)
        self._tracer = self.export.traces.get_tracer("benchmark")

    def start_send(self, topic: str, headers: AnyHeaders, key: str | None) -> Send:
        """A span and nothing else."""
        span = self._tracer.start_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=_some(SENDS))
        return _Ended(span, topic, list(headers), self.metrics)

    @contextmanager
    def processing(self, record: Record, group: str) -> Iterator[Handling]:
        """A span and nothing else."""
        name = f"process {record.position.topic}"
        with self._tracer.start_as_current_span(name, kind=SpanKind.CONSUMER, attributes=_some(HANDLES)):
            yield self._handling

    def committing(self, record: Record, group: str) -> Any:
        """A span and nothing else."""
        name = f"commit {record.position.topic}"
        return self._tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=_some(COMMITS))


class _Ended(Send):
    def delivered(self, error: str | None, partition: int | None, offset: int | None) -> None:
        """The two attributes that are known last."""
        self._span.set_attributes({"partition": str(partition), "offset": offset or 0})
        self._span.end()


def _some(number: int) -> dict[str, str]:
    return dict(islice(ATTRIBUTES.items(), number))


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds a message."""

    clock: float
    cpu: float


class Watch:
    """Between ``start`` and ``stop``."""

    def start(self) -> None:
        """From now on."""
        self._clock, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, messages: int) -> Cost:
        """A message's share."""
        clock, cpu = time.perf_counter() - self._clock, time.process_time() - self._cpu
        return Cost(clock * 1e6 / messages, cpu * 1e6 / messages)


def produce(settings: Settings, tracing: Tracing, topic: str, count: int) -> Cost:
    """As the relay does it: many in flight, the span ended by the broker's answer."""
    producer, watch = clients.producer(settings), Watch()
    producer.list_topics(topic, timeout=10)
    events = [
        Envelope("order.placed", "benchmark", {"number": n}, f"req-{n}", datetime.now(UTC), causation_id="e-0")
        for n in range(count)
    ]
    taken = 0
    watch.start()
    for event in events:
        send = tracing.start_send(topic, event.to_headers(), event.event_id)

        def on_delivery(error: KafkaError | None, message: Message, send: Send = send) -> None:
            nonlocal taken
            taken += error is None
            send.delivered(error.name() if error else None, message.partition(), message.offset())

        producer.produce(
            topic, event.to_json(), event.event_id.encode(), headers=list(send.headers), on_delivery=on_delivery
        )
        producer.poll(0)
    producer.flush(60)
    tracing.export.traces.force_flush()
    found = watch.stop(count)
    assert taken == count
    return found


def process(settings: Settings, tracing: Tracing, topic: str, count: int) -> Cost:
    """As the services do it, from the first message to the last: joining the group isn't counted."""
    watch, stop, handled, found = Watch(), Flag(), 0, Cost(0, 0)

    def handle(_event: Envelope) -> None:
        nonlocal handled, found
        handled += 1
        if handled == 1:
            watch.start()
        if handled == count:
            tracing.export.traces.force_flush()
            found = watch.stop(count)
            stop.set()

    group = f"benchmark-{uuid.uuid4().hex[:8]}"
    Runner(settings, group, [topic], {"order.placed": handle}, tracing).run(stop)
    assert handled == count
    return found


def tracings(endpoint: str, servers: str) -> dict[str, Callable[[], Tracing]]:
    """By name: each with its environment at the time it is made, as a service would have it."""

    def told(**more: str) -> Mapping[str, str]:
        os.environ.pop("OTEL_SDK_DISABLED", None)
        os.environ.update({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_MAX_QUEUE_SIZE": "1000000", **more})
        return os.environ

    return {
        WITHOUT: Untraced,
        DISABLED: lambda: Tracing("benchmark", told(OTEL_SDK_DISABLED="true"), servers),
        SDK: lambda: SdkAlone(told(OTEL_METRICS_EXPORTER="none")),
        WITH: lambda: Tracing("benchmark", told(OTEL_METRICS_EXPORTER="otlp"), servers),
    }


@contextmanager
def receiver() -> Iterator[tuple[str, Callable[[], int]]]:
    """A process that takes OTLP over HTTP; its address, and how many spans came."""
    command = [sys.executable, "-m", "benchmarks.otlp_receiver"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
        assert child.stdout is not None
        endpoint = child.stdout.readline().strip()

        def spans() -> int:
            import httpx

            return int(httpx.get(endpoint).text)

        try:
            yield endpoint, spans
        finally:
            child.terminate()


def main() -> None:
    """Measure, print, delete the topics."""
    asked = argparse.ArgumentParser()
    asked.add_argument("servers")
    asked.add_argument("--messages", type=int, default=5_000)
    given = asked.parse_args()
    settings = Settings("benchmark", {"bootstrap.servers": given.servers}, "")
    admin, name = AdminClient({"bootstrap.servers": given.servers}), uuid.uuid4().hex[:8]
    topics: list[str] = []
    costs: dict[tuple[str, str], list[Cost]] = {}
    try:
        with receiver() as (endpoint, received):
            for run in range(RUNS):
                for way, made in tracings(endpoint, given.servers).items():
                    topic = f"benchmark-{name}-{way}-{run}"
                    topics += [topic, topic + "-dlt"]
                    create_missing(admin, [topic])
                    tracing = made()
                    sent = produce(settings, tracing, topic, given.messages)
                    handled = process(settings, tracing, topic, given.messages)
                    tracing.shutdown()
                    costs.setdefault((SENT, way), []).append(sent)
                    costs.setdefault((HANDLED, way), []).append(handled)
            spans = received()
    finally:
        for deletion in admin.delete_topics(topics).values():
            deletion.exception(30)
    _print(costs, given.messages)
    print(f"{spans:,} spans arrived of {2 * 3 * RUNS * given.messages:,} (a send, a handling and a commit a message)")


def _print(costs: dict[tuple[str, str], list[Cost]], messages: int) -> None:
    print(f"microseconds a message, best of {RUNS} runs of {messages:,}; x: ratio to without telemetry")
    for work in (SENT, HANDLED):
        floor = _best(costs[work, WITHOUT])
        for way in (WITHOUT, DISABLED, SDK, WITH):
            cost = _best(costs[work, way])
            ratios = f"{cost.clock / floor.clock:5.2f} x   CPU {cost.cpu:7.1f} us {cost.cpu / floor.cpu:5.2f} x"
            print(f"{work:8} {way:9} {cost.clock:7.1f} us {ratios}")


def _best(costs: list[Cost]) -> Cost:
    return Cost(min(one.clock for one in costs), min(one.cpu for one in costs))


if __name__ == "__main__":
    main()
