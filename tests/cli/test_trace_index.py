"""``eventops trace`` with a trace store in its context: a real Kafka, and a real HTTP server that answers as Jaeger."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.adapters.serving import NOT_FOUND, Answering, Reply, as_json, serving
from tests.brokers.lab import DEADLINE, KafkaLab
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.trace.requests import Request, envelope, request_on

pytestmark = pytest.mark.broker
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def request_(bootstrap_servers: str) -> Iterator[Request]:
    """One request for all of these tests."""
    run = f"{datetime.now(UTC):%H%M%S%f}"
    lab = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    with request_on(lab) as found:
        yield found
    lab.close()


def jaeger(request: Request) -> Answering:
    """Holds the sending of each event, and the handling of the mail, which failed after two seconds."""
    spans = [_span(request, name, number, 4, "send") for number, name in enumerate(request.events)]
    failed = _span(request, "mail", 9, 5, "process") | {"status": {"code": 2, "message": "550"}}
    service = {"attributes": [_attribute("service.name", "mailer-service")]}
    held = {"resource": service, "scopeSpans": [{"spans": [*spans, failed]}]}

    def answer(path: str, query: dict[str, str]) -> Reply:
        if path == "/jaeger/api/v3/trace-summaries":
            return as_json({"summaries": []})
        if path == "/jaeger/api/v3/traces" and request.correlation in query["query.attributes"]:
            return as_json({"result": {"resourceSpans": [held]}})
        return NOT_FOUND

    return answer


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _span(request: Request, name: str, number: int, kind: int, operation: str) -> dict[str, Any]:
    at, event = request.places[name], request.events[name]
    start = int(datetime.now(UTC).timestamp() * 1e9)
    told = {
        "messaging.destination.name": at.topic,
        "messaging.destination.partition.id": str(at.partition),
        "messaging.kafka.offset": str(at.offset),
        "messaging.message.id": event.event_id,
        "messaging.message.conversation_id": request.correlation,
        "messaging.operation.type": operation,
    }
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "name": f"{operation} {at.topic}",
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 2_000_000_000),
        "attributes": [_attribute(key, value) for key, value in told.items()],
    }


def shell(home: Path, servers: str, jaeger_url: str) -> Shell:
    """One whose context names the store."""
    context = f'[contexts.lab]\n"bootstrap.servers" = "{servers}"\n"eventops.jaeger" = "{jaeger_url}"\n'
    (home / "contexts.toml").write_text(f'current = "lab"\n{context}')
    return Shell(home)


def test_the_index_answers_and_the_tree_tells_who_handled_what(
    request_: Request, bootstrap_servers: str, tmp_path: Path
) -> None:
    with serving(jaeger(request_)) as (base, _):
        eventops = shell(tmp_path, bootstrap_servers, f"{base}/jaeger")
        run = eventops("trace", request_.correlation, "--engine", "index", "-o", "json")
        tree = eventops("trace", request_.correlation, "--engine", "index").stdout
        timeline = eventops("trace", request_.correlation, "--engine", "index", "-o", "timeline").stdout
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    keeps_its_contract(document, "trace")
    assert [len(event["spans"]) for event in document["events"]] == [1, 1, 2]
    assert document["traces"] == [{"trace_id": TRACE, "url": f"{base}/jaeger/trace/{TRACE}", "spans": 4}]
    assert document["coverage"]["records"] == 3
    assert f"◷ mailer-service  process {request_.users}  2.0 s  550" in tree
    assert "queue times need spans" not in timeline
    assert f"trace {TRACE} (4 spans): {base}/jaeger/trace/{TRACE}" in run.stderr
    assert f"note: jaeger at {base}/jaeger named 3 records; the rest of the log wasn't read" in run.stderr


def test_a_store_that_does_not_answer_is_a_note(request_: Request, bootstrap_servers: str, tmp_path: Path) -> None:
    eventops = shell(tmp_path, bootstrap_servers, "http://127.0.0.1:1")
    topics = [word for topic in request_.topics for word in ("--topic", topic)]
    run = eventops("trace", request_.correlation, *topics)
    assert run.returncode == 0, run.stderr
    assert "note: jaeger at http://127.0.0.1:1 doesn't answer" in run.stderr


def test_without_a_store_there_is_no_index(bootstrap_servers: str, tmp_path: Path) -> None:
    run = Shell(tmp_path, bootstrap_servers)("trace", "x", "--engine", "index")
    assert run.returncode == 2
    assert "name a trace store in the context: eventops.jaeger or eventops.tempo" in run.stderr


def test_without_a_store_there_is_nothing_to_audit(bootstrap_servers: str, tmp_path: Path) -> None:
    run = Shell(tmp_path, bootstrap_servers)("trace", "x", "--audit")
    assert (run.returncode, run.stdout) == (2, "")
    said = " ".join(run.stderr.split())
    assert "there are no spans to compare with" in said
    assert "name a trace store in the context: eventops.jaeger or eventops.tempo" in said
    assert "looked at" not in said, "it is said before the log is searched"


def test_an_audit_names_the_service_to_mend(request_: Request, bootstrap_servers: str, tmp_path: Path) -> None:
    topics = [word for topic in request_.topics for word in ("--topic", topic)]
    with serving(jaeger(request_)) as (base, _):
        eventops = shell(tmp_path, bootstrap_servers, f"{base}/jaeger")
        run = eventops("trace", request_.correlation, "--audit", "-o", "json", *topics)
        table = eventops("trace", request_.correlation, "--audit", *topics)
    assert (run.returncode, table.returncode) == (1, 1), run.stderr + table.stderr
    document = json.loads(run.stdout)
    keeps_its_contract(document, "trace-audit")
    assert document["events"] + document["settling"] == 3, "spans of what is younger than 15 s may be on their way"
    assert document["sent"] == document["events"]
    producers = {event.source for event in request_.events.values()}
    found = {(one["kind"], one["service"]) for one in document["findings"]}
    assert {("no_trace_context", producer) for producer in producers} <= found, "none of them writes a traceparent"
    assert {one["service"] for one in document["services"]} == {service for _, service in found}
    assert sum(one["findings"] for one in document["services"]) == len(document["findings"])
    assert "have the span of their sending" in table.stdout
    assert "to mend: " in table.stdout


@pytest.mark.parametrize("words", [["--follow"], ["-o", "svg"], ["--expect", "x.yaml"]])
def test_an_audit_is_a_document_of_its_own(bootstrap_servers: str, tmp_path: Path, words: list[str]) -> None:
    run = Shell(tmp_path, bootstrap_servers)("trace", "x", "--audit", *words)
    assert run.returncode == 2
    assert "--audit is a table or a document of its own" in " ".join(run.stderr.split())


def test_an_audit_by_a_store_that_does_not_answer_says_so(
    request_: Request, bootstrap_servers: str, tmp_path: Path
) -> None:
    eventops = shell(tmp_path, bootstrap_servers, "http://127.0.0.1:1")
    topics = [word for topic in request_.topics for word in ("--topic", topic)]
    run = eventops("trace", request_.correlation, "--audit", *topics)
    assert run.returncode == 3, "unknown isn't in order"
    assert "jaeger at http://127.0.0.1:1 doesn't answer" in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr


@pytest.fixture
def unsampled(bootstrap_servers: str) -> Iterator[tuple[str, str]]:
    """A request's correlation id and topic: seven events in traces of their own, which their producer didn't sample."""
    run = f"{datetime.now(UTC):%H%M%S%f}"
    lab = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    correlation, topic = lab.name("req-unsampled"), lab.topic("unsampled")
    producer = Producer(lab.properties)
    for number in range(1, 8):
        event = envelope("order.placed", correlation)
        context = ("traceparent", f"00-{number:032x}-{number:016x}-00".encode())
        producer.produce(topic, event.to_json(), headers=[*event.to_headers(), context])
    assert producer.flush(DEADLINE) == 0
    yield correlation, topic
    lab.close()


def test_an_audit_that_could_compare_nothing_does_not_know(
    unsampled: tuple[str, str], request_: Request, bootstrap_servers: str, tmp_path: Path
) -> None:
    with serving(jaeger(request_)) as (base, _):
        eventops = shell(tmp_path, bootstrap_servers, f"{base}/jaeger")
        run = eventops("trace", unsampled[0], "--audit", "--topic", unsampled[1])
    assert run.returncode == 5, run.stdout + run.stderr
    assert "7 events that their producers didn't sample: not judged" in run.stdout
    assert "no event was compared" in run.stderr


def test_links_that_are_left_out_are_counted(
    unsampled: tuple[str, str], request_: Request, bootstrap_servers: str, tmp_path: Path
) -> None:
    with serving(jaeger(request_)) as (base, _):
        eventops = shell(tmp_path, bootstrap_servers, f"{base}/jaeger")
        run = eventops("trace", unsampled[0], "--topic", unsampled[1])
    assert run.returncode == 0, run.stderr
    assert run.stderr.count(f"{base}/jaeger/trace/") == 5
    assert "and 2 more traces: -o json names all of them" in run.stderr
