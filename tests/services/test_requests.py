"""What a service says of a request: one line, an answer with the ids whatever happens, and nobody's address."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import Engine, text

from reference_services.kit.database import trace_queries
from reference_services.kit.logs import JsonLine
from reference_services.kit.tracing import Tracing
from reference_services.users.app import users_app
from reference_services.users.store import UserStore
from tests.services.processes import served, until

ADDRESS = "ann@example.com"
ID = {"X-Correlation-Id": "req-7"}


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def users(engine: Engine, spans: InMemorySpanExporter) -> Iterator[str]:
    """user-service's address."""
    tracing = Tracing("user-service", {})
    tracing.export.traces.add_span_processor(SimpleSpanProcessor(spans))
    trace_queries(engine, tracing)
    with served(users_app(UserStore(engine, "user-events"), tracing)) as url:
        yield url
    tracing.shutdown()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    handler.setFormatter(JsonLine("user-service"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def said(lines: io.StringIO, count: int) -> list[dict[str, Any]]:
    """What the service said of its request; the last of ``count`` lines comes after its answer."""

    def found() -> list[dict[str, Any]]:
        every = [json.loads(line) for line in lines.getvalue().splitlines()]
        return [line for line in every if not line["message"].startswith("HTTP Request")]

    return until(lambda: told if len(told := found()) >= count else None)


def test_a_request_is_one_line_with_its_ids(users: str, spans: InMemorySpanExporter, lines: io.StringIO) -> None:
    assert httpx.get(f"{users}/users/nobody", headers=ID).status_code == 404
    (line,) = said(lines, 1)
    assert line["message"].startswith("GET /users/{user_id} 404 in ")
    (request,) = (span for span in spans.get_finished_spans() if span.name.startswith("GET"))
    context = request.get_span_context()
    assert context is not None
    assert line["correlationId"] == "req-7"
    assert (int(line["traceId"], 16), int(line["spanId"], 16)) == (context.trace_id, context.span_id)


def test_a_request_that_fails_is_answered_and_logged_with_its_ids(
    users: str, engine: Engine, spans: InMemorySpanExporter, lines: io.StringIO
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE users RENAME TO gone"))
    answer = httpx.post(f"{users}/users", json={"email": ADDRESS}, headers=ID)
    assert (answer.status_code, answer.headers["X-Correlation-Id"]) == (500, "req-7")
    failure, line = said(lines, 2)
    assert "OperationalError" in failure["exception"]
    assert line["message"].startswith("POST /users 500 in ")
    assert failure["correlationId"] == line["correlationId"] == "req-7"
    assert failure["spanId"] == line["spanId"]
    (request,) = (span for span in spans.get_finished_spans() if span.name == "POST /users")
    attributes = dict(request.attributes or {})
    assert (attributes["http.response.status_code"], attributes["error.type"]) == (500, "OperationalError")


def test_no_address_stands_in_spans_or_logs(
    users: str, engine: Engine, spans: InMemorySpanExporter, lines: io.StringIO
) -> None:
    httpx.post(f"{users}/users", json={"email": ADDRESS}).raise_for_status()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE users RENAME TO gone"))
    assert httpx.post(f"{users}/users", json={"email": ADDRESS}).status_code == 500
    said(lines, 3)
    told = lines.getvalue() + "".join(span.to_json() for span in spans.get_finished_spans())
    assert "INSERT INTO users" in told
    assert ADDRESS not in told
