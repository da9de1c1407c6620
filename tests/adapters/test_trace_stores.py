"""Jaeger's recorded answers, and what is said of stores that are older, elsewhere, or none at all."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.adapters.jaeger import Jaeger
from eventops.adapters.spans import of_jaeger, of_otlp
from eventops.adapters.tempo import Tempo
from eventops.errors import StoreUnavailable
from eventops.events import Position
from eventops.ports import StoredSpan
from tests.adapters.serving import NOT_FOUND, PAGE, RECORDED, Answering, Reply, as_json, recorded, serving

CORRELATION = "req-recorded-1"
UNTIL = datetime(2026, 11, 23, 21, 28, 4, tzinfo=UTC)
SINCE = UNTIL - timedelta(hours=1)
CHAIN = "dbc6b8fc35467f02e41198e8821f29e6"
LINKED = "33606301c5a0cc85432a5c2991b69eea"


def jaeger_2_20(path: str, query: dict[str, str]) -> Reply:
    """Jaeger 2.20, by the answers that one gave."""
    is_hit = CORRELATION in query.get("query.attributes", "")
    if path == "/api/v3/trace-summaries":
        return recorded("jaeger-2.20", "v3-summaries-hit" if is_hit else "v3-summaries-no-match")
    if path == "/api/v3/traces":
        return recorded("jaeger-2.20", "v3-search-hit" if is_hit else "v3-search-no-match")
    if path == f"/api/v3/traces/{CHAIN}":
        return recorded("jaeger-2.20", "v3-trace")
    return recorded("jaeger-2.20", "v3-trace-unknown") if path.startswith("/api/v3/traces/") else NOT_FOUND


def older_jaeger(path: str, query: dict[str, str]) -> Reply:
    """One that knows no summaries: its page for people answers there; it ignores attributes, and lies about them."""
    if path == "/api/v3/services":
        return recorded("jaeger-2.20", "v3-services")
    if path == "/api/v3/traces":
        return recorded("jaeger-2.20", "v3-search-hit")
    if path == "/api/traces":
        is_hit = query.get("service") == "notification-service" and CORRELATION in query["tags"]
        return recorded("jaeger-2.20", "legacy-search-hit" if is_hit else "legacy-search-no-match")
    return PAGE


def brief(spans: tuple[StoredSpan, ...]) -> set[tuple[str, str, str | None, str | None]]:
    return {(span.service, span.name, span.operation, span.message_id) for span in spans}


def test_a_request_is_found_in_jaeger() -> None:
    with serving(jaeger_2_20) as (base, asked):
        spans = Jaeger(base).search(CORRELATION, SINCE, UNTIL)
    assert {span.trace_id for span in spans} == {CHAIN, LINKED}
    assert len(spans) == 10
    (sent,) = (span for span in spans if span.message_id == "ev-4" and span.operation == "send")
    assert sent == StoredSpan(
        trace_id=LINKED,
        span_id="7843f28bbc2b6f0b",
        parent_id="8f0408685e92269b",
        service="notification-service",
        name="send notification-events",
        start=datetime(2026, 11, 23, 21, 27, 1, 351731, tzinfo=UTC),
        seconds=0.002106026,
        operation="send",
        message_id="ev-4",
        conversation_id=CORRELATION,
        position=Position("notification-events", 0, 6),
    )
    query = {
        "query.startTimeMin": "2026-11-23T20:28:04.000Z",
        "query.startTimeMax": "2026-11-23T21:28:04.000Z",
        "query.searchDepth": "200",
        "query.attributes": '{"messaging.message.conversation_id": "req-recorded-1"}',
    }
    assert asked.paths == [("/api/v3/trace-summaries", query), ("/api/v3/traces", query)]


def test_what_failed_has_its_error_and_its_group() -> None:
    with serving(jaeger_2_20) as (base, _):
        spans = Jaeger(base).get(CHAIN)
    (failed,) = (span for span in spans if span.error is not None)
    assert (failed.operation, failed.group, failed.error) == ("process", "notification-group", "SMTPRecipientsRefused")
    assert failed.seconds > 0


def test_what_jaeger_does_not_hold_is_nothing() -> None:
    with serving(jaeger_2_20) as (base, asked):
        store = Jaeger(base)
        assert store.search("nobody", SINCE, UNTIL) == ()
        assert store.get("00000000000000000000000000000001") == ()
    assert [path for path, _ in asked.paths].count("/api/v3/trace-summaries") == 1, "what it can do is asked once"


def test_an_older_jaeger_is_asked_service_by_service() -> None:
    with serving(jaeger_2_20) as (base, _):
        newer = Jaeger(base).search(CORRELATION, SINCE, UNTIL)
    with serving(older_jaeger) as (base, asked):
        older = Jaeger(base).search(CORRELATION, SINCE, UNTIL)
    assert brief(older) <= brief(newer)
    assert {span.trace_id for span in older} == {CHAIN, LINKED}
    assert {span.position for span in older} == {span.position for span in newer}
    assert [query.get("service") for path, query in asked.paths if path == "/api/traces"] == [
        "order-service",
        "notification-service",
        "user-service",
        "eventops",
    ]
    assert "/api/v3/traces" not in [path for path, _ in asked.paths], "its search would answer with other traces"


def test_traces_that_have_nothing_to_do_with_it_are_left_out() -> None:
    def ignores_attributes(path: str, query: dict[str, str]) -> Reply:
        return jaeger_2_20(path, query | {"query.attributes": CORRELATION})

    with serving(ignores_attributes) as (base, _):
        assert Jaeger(base).search("req-other", SINCE, UNTIL) == ()


def test_links_keep_a_base_path_and_a_context_may_name_another_page() -> None:
    assert Jaeger("http://j:16686/jaeger/").url("ab12") == "http://j:16686/jaeger/trace/ab12"
    assert Jaeger("http://j", link="https://g/t/{trace_id}?o=1").url("ab12") == "https://g/t/ab12?o=1"
    assert Tempo("http://t").url("ab12") is None
    assert Tempo("http://t", link="https://g/t/{trace_id}").url("ab12") == "https://g/t/ab12"


def tempo(answers_v2: bool) -> Answering:
    """Tempo's forms around what a real instrumentation exported: ids in base64, ``trace`` or ``batches``."""
    held = json.loads((RECORDED / "jaeger-2.20/v3-trace.json").read_text())["body"]["result"]["resourceSpans"]
    as_text = json.dumps(held).replace(CHAIN, base64.b64encode(bytes.fromhex(CHAIN)).decode())
    resource_spans = json.loads(as_text)

    def answer(path: str, query: dict[str, str]) -> Reply:
        if path == "/api/search":
            traces = [{"traceID": CHAIN.lstrip("0")}] if f'"{CORRELATION}"' in query["q"] else []
            return as_json({"traces": traces, "metrics": {}})
        if path == f"/api/v2/traces/{CHAIN}" and answers_v2:
            return as_json({"trace": {"resourceSpans": resource_spans}, "metrics": {}})
        if path == f"/api/traces/{CHAIN}" and not answers_v2:
            return as_json({"batches": resource_spans})
        return NOT_FOUND

    return answer


@pytest.mark.parametrize("answers_v2", [True, False])
def test_tempo_is_read_in_both_of_its_forms(answers_v2: bool) -> None:
    with serving(jaeger_2_20) as (base, _):
        expected = Jaeger(base).get(CHAIN)
    with serving(tempo(answers_v2)) as (base, asked):
        store = Tempo(base, {"X-Scope-OrgID": "team"})
        assert store.search(CORRELATION, SINCE, UNTIL) == expected
        assert store.search('a"b\\', SINCE, UNTIL) == ()
        assert store.get("0" * 31 + "1") == ()
    assert asked.headers["x-scope-orgid"] == "team"
    assert asked.paths[0][1] == {
        "q": '{ span.messaging.message.conversation_id = "req-recorded-1" '
        '|| span.messaging.message.id = "req-recorded-1" }',
        "start": "1795465684",
        "end": "1795469285",
        "limit": "50",
    }
    assert '= "a\\"b\\\\" ||' in next(query["q"] for path, query in asked.paths if "a" + '\\"' in query.get("q", ""))


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(500, b"boom"), "answers 500, not as"),
        (Reply(401, b"{}"), r"refuses the credentials \(401\): set eventops.traces-token"),
        (Reply(200, b"[" * 100_000), "answers 200, not as"),
        (PAGE, "answers 200, not as"),
    ],
)
def test_what_is_no_trace_store_is_said_to_be_none(reply: Reply, says: str) -> None:
    with serving(lambda _path, _query: reply) as (base, _), pytest.raises(StoreUnavailable, match=says):
        Tempo(base).search("x", SINCE, UNTIL)
    jaeger_says = says.replace("answers 200, not as", "doesn't answer as Jaeger").replace(
        "answers 500, not as", "doesn't answer as Jaeger"
    )
    with serving(lambda _path, _query: reply) as (base, _), pytest.raises(StoreUnavailable, match=jaeger_says):
        Jaeger(base).search("x", SINCE, UNTIL)


@pytest.mark.parametrize("base", ["http://127.0.0.1:1", "file:///etc/passwd", "jaeger:16686", ""])
def test_who_does_not_answer_is_named(base: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"doesn't answer|is no http"):
        Jaeger(base).search("x", SINCE, UNTIL)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["spans", "key", "value", "attributes"]), inner),
)


@given(
    st.fixed_dictionaries(
        {"traceId": st.just("ab") | JSON, "spanId": st.just("cd") | JSON, "startTimeUnixNano": st.integers() | JSON},
        optional={"endTimeUnixNano": JSON, "attributes": JSON, "status": JSON, "kind": JSON, "parentSpanId": JSON},
    ),
    JSON,
)
def test_no_answer_makes_reading_fail(span: dict[str, Any], anything: Any) -> None:
    list(of_otlp(anything))
    list(of_jaeger(anything))
    list(of_otlp([{"resource": anything, "scopeSpans": [{"spans": [span, anything]}]}]))
    list(
        of_jaeger(
            [{"processes": anything, "spans": [{"traceID": "ab", "spanID": "cd", "startTime": 1, "tags": anything}]}]
        )
    )
