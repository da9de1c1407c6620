"""The same seed makes the same traffic, and every kind of trouble comes early."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Envelope, MalformedEvent
from reference_services.traffic.plan import BY_HTTP, REFUSED_DOMAIN, Kind, Step, plan
from reference_services.traffic.records import record_of

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


@given(st.integers())
def test_a_seed_is_a_sequence(seed: int) -> None:
    assert list(islice(plan(seed), 200)) == list(islice(plan(seed), 200))


def test_other_seeds_make_other_traffic() -> None:
    assert len({tuple(islice(plan(seed), 20)) for seed in range(20)}) == 20


@given(st.integers(0, 1000))
def test_journeys_begin_with_a_registration_and_keep_their_correlation_id(seed: int) -> None:
    journeys: dict[int, list[Step]] = {}
    for step in islice(plan(seed), 300):
        if step.kind in BY_HTTP:
            journeys.setdefault(step.journey, []).append(step)
    for steps in journeys.values():
        kinds = [step.kind for step in steps]
        assert kinds[0] is Kind.REGISTER
        assert len({(step.correlation_id, step.email, step.amount) for step in steps}) == 1
        if Kind.PAY_ORDER in kinds or Kind.CANCEL_ORDER in kinds:
            assert kinds[1] is Kind.PLACE_ORDER
            assert not {Kind.PAY_ORDER, Kind.CANCEL_ORDER} <= set(kinds)


def test_the_usual_seed_has_every_kind_within_half_a_minute() -> None:
    steps = list(islice(plan(1), 300))
    assert {step.kind for step in steps} == set(Kind)
    assert any(step.email.endswith(REFUSED_DOMAIN) for step in steps)


@pytest.mark.parametrize(("kind", "complaint"), [(Kind.INVALID_JSON, "JSON"), (Kind.MISSING_METADATA, "metadata")])
def test_broken_records_are_broken_as_announced(kind: Kind, complaint: str) -> None:
    _, value = record_of(Step(kind, 1, "a@example.com", "req-1"), NOW)
    with pytest.raises(MalformedEvent, match=complaint):
        Envelope.parse(value)


def test_the_kafkajs_kind_is_whole_without_headers() -> None:
    _, value = record_of(Step(Kind.KAFKAJS_EVENT, 1, "a@example.com", "req-1"), NOW)
    event = Envelope.parse(value)
    assert (event.event_type, event.correlation_id, event.data["email"]) == (
        "user.registered",
        "req-1",
        "a@example.com",
    )
