"""Letters that the real frameworks wrote (tests/letters), decoded and grouped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from eventops.dlq.causes import folded
from eventops.dlq.families import BUILT_IN, decode, strip
from eventops.dlq.grouping import group_by_cause
from eventops.dlq.rules import is_letter
from eventops.events import Position, Record
from tests.letters import recorded

EVERY = [
    record
    for name in ("spring", "binder", "streams", "connect", "share", "smallrye", "watermill")
    for record in recorded.letters(name)
]
OWN = ("ce_specversion", "ce_id", "ce_type", "traceparent")

TABLE = [
    # letter, family, origin, group, attempts, cause, first own frame, message; why
    (
        "spring", "spring-orders-dlt/0/0", "spring", "spring-orders/0/0", "billing", 3,
        "java.lang.IllegalStateException", "letters.SpringLetters$Stock.take", "order <n> can't be reserved",
    ),  # the wrapper is ListenerExecutionFailedException; the innermost own frame is in the root cause
    (
        "spring", "spring-orders-dlt-dlt/0/1", "spring", "spring-orders/0/1", "billing-again", 3,
        "java.lang.IllegalArgumentException", "letters.SpringLetters.billAgain",
        "still no stock for <id> at <address>",
    ),  # a letter of a letter: the first origin, the last group
    (
        "spring", "spring-keys-dlt/0/0", "spring", "spring-keys/0/0", "keys", 1,
        "org.springframework.kafka.support.serializer.DeserializationException", None, "failed to deserialize",
    ),  # the key can't be read: key-exception-*, the cause without key-; no code of ours was reached
    (
        "spring", "spring-retries-dlt/0/2", "spring-retry", "spring-retries/0/2", "shipping", 3,
        "java.lang.IllegalStateException", "letters.SpringLetters$Stock.take", "order <n> can't be reserved",
    ),  # three deliveries: the counter says four, which is the one to come
    (
        "binder", "error.binder.orders.billing/0/0", "spring-cloud-stream", "binder.orders/0/0", "billing", None,
        "java.lang.ArithmeticException", "letters.BinderLetters.reserve", "/ by zero",
    ),  # the class that its headers name is a wrapper; the group stands in the topic's name
    (
        "binder", "binder-letters/0/2", "spring-cloud-stream", "binder.orders/0/2", None, None,
        "java.lang.IllegalArgumentException", "letters.BinderLetters.lambda$billAgain$1", "still no stock at <address>",
    ),  # a letter of a letter in a topic of its own name: nothing tells the group
    (
        "smallrye", "dead-letter-topic-orders/0/0", "smallrye", "smallrye-orders/0/0", None, None,
        "java.lang.ArithmeticException", None, "/ by zero",
    ),  # no stack trace, no group; the cause is named beside the exception
    (
        "smallrye", "dead-letter-topic-again/0/0", "smallrye", "smallrye-orders/0/0", None, None,
        "java.lang.reflect.InvocationTargetException", None,
        "SRMSG<n>: Exception thrown when calling the method letters.SmallRyeLetters#billAgain",
    ),  # a letter of a letter: the newest headers are the first; called by reflection, the method is all it tells
    (
        "smallrye", "dead-letter-topic-retries/0/0", "smallrye-retry", "smallrye-retries/0/0", None, 3,
        "java.lang.reflect.InvocationTargetException", None,
        "SRMSG<n>: Exception thrown when calling the method letters.SmallRyeLetters#ship",
    ),  # after its retry topics there are no dead-letter-* headers: count is 2, the deliveries 3
    (
        "watermill", "watermill-poison-queue/0/0", "watermill", None, None, None,
        "bill order <n>: card <n>-<n> declined by <address>", None,
        "bill order <n>: card <n>-<n> declined by <address>",
    ),  # Go has no exception classes: the shape of the text is the cause; the topic alone is recorded
    (
        "streams", "streams-letters/0/0", "kafka-streams", "streams-numbers/0/0", None, None,
        "org.apache.kafka.common.errors.SerializationException", None,
        "Size of data received by LongDeserializer is not <n>",
    ),
    (
        "streams", "streams-letters/0/1", "kafka-streams", "streams-orders/0/0", None, None,
        "java.lang.NumberFormatException", "letters.StreamsLetters.price", 'For input string: "<json>"',
    ),  # the payload that the message quotes differs from letter to letter
    (
        "streams", "streams-letters/0/4", "kafka-streams", None, None, None,
        "java.lang.IllegalStateException", "letters.StreamsLetters$Watch.tick", "the clock stood still",
    ),  # a punctuator has no record: topic and partition are null, the offset is -1
    (
        "connect", "connect-letters/0/0", "kafka-connect", "connect-broken/0/0", "connect-broken", None,
        "com.fasterxml.jackson.core.JsonParseException", None,
        "Unexpected character ('n' (code <n>)): was expecting double-quote to start field name",
    ),  # DataException is Connect's wrapper: the root is only in the stack trace
    (
        "connect", "connect-letters/0/4", "kafka-connect", "connect-orders/0/0", "connect-puts", None,
        "java.sql.SQLIntegrityConstraintViolationException", "letters.ConnectLetters$Put.refused",
        "duplicate key <n>",
    ),
    (
        "connect", "connect-letters/0/5", "kafka-connect", "connect-orders/0/1", "connect-puts", None,
        "java.lang.IllegalStateException", "letters.ConnectLetters$Put.put", None,
    ),  # no message is a null header
    (
        "connect", "connect-bare-letters/0/0", "unknown", None, None, None, "unknown", None, None,
    ),  # without context headers, which is the default, nobody knows anything
    (
        "share", "dlq.share-letters/0/2", "share-group", "share-orders/0/1", "packing", 5,
        "Offset delivery count exceeded the threshold.", None, "Offset delivery count exceeded the threshold.",
    ),  # released five times; the broker knows no exception
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[row[1] for row in TABLE])
def test_what_a_real_letter_tells(row: tuple[str | int | None, ...]) -> None:
    name, at, family, origin, group, attempts, kind, frame, pattern = row
    letter = decode(recorded.letter(str(name), str(at)))

    assert (letter.family, letter.group, letter.attempts) == (family, group, attempts)
    assert (str(letter.origin.position) if letter.origin else None) == origin
    assert (letter.cause.kind, letter.cause.frame, letter.cause.pattern) == (kind, frame, pattern)


def test_a_letter_of_a_letter_tells_its_whole_history() -> None:
    letter = decode(recorded.letter("spring", "spring-orders-dlt-dlt/0/0"))

    assert [(str(hop.position), hop.group, hop.attempts) for hop in letter.path] == [
        ("spring-orders/0/0", "billing", 3),
        ("spring-orders-dlt/0/0", "billing-again", 3),
    ]
    assert letter.hops == 2


def test_what_the_event_had_of_its_own_stays_among_the_binders_headers() -> None:
    letter = recorded.letter("binder", "binder-letters/0/0")

    assert strip(letter.headers) == tuple(header for header in letter.headers if header[0] in (*OWN, "x-original-url"))
    assert sum(name == "x-original-topic" for name, _value in letter.headers) == 2, "once a failure"


def test_a_retried_letter_knows_when_each_try_was_due() -> None:
    letter = decode(recorded.letter("spring", "spring-retries-dlt/0/0"))

    due = [hop.due for hop in letter.path if hop.due]
    assert letter.path[0].position == Position("spring-retries", 0, 0)
    assert len(letter.path) == len(due) == 3
    assert datetime(2026, 1, 1, tzinfo=UTC) < due[0] < due[1] < due[2]


def test_each_connect_hop_keeps_its_own_message_where_one_has_none() -> None:
    silent = recorded.letter("connect", "connect-letters/0/5")
    later = recorded.letter("connect", "connect-letters/0/4")

    told = decode(replace(silent, headers=silent.headers + later.headers[4:]))

    assert [(hop.exception_class, hop.message) for hop in told.path] == [
        ("java.lang.IllegalStateException", None),
        ("org.apache.kafka.connect.errors.ConnectException", "the row wasn't written"),
    ]


@pytest.mark.parametrize("record", EVERY, ids=[str(record.position) for record in EVERY])
def test_a_replay_strips_all_of_it_and_keeps_the_events_own(record: object) -> None:
    letter = next(one for one in EVERY if one is record)

    assert {name for name, _value in strip(letter.headers)} <= {*OWN, "x-original-url", "_watermill_message_uuid"}
    assert sum(name in OWN for name, _value in letter.headers) in (0, len(OWN))


def test_real_letters_are_known_by_what_is_in_them() -> None:
    elsewhere = [replace(r, position=r.position._replace(topic="failures")) for r in EVERY]

    unknown = [record.value for record in elsewhere if not is_letter(record)]
    assert unknown == [b"{no json"], "Connect's letter without context headers"


def test_share_groups_and_punctuators_leave_letters_that_hold_nothing() -> None:
    bare = [str(record.position) for record in EVERY if decode(record).is_bare]

    assert bare == ["streams-letters/0/4", *(f"dlq.share-letters/0/{offset}" for offset in range(3))]


def test_real_letters_group_by_what_went_wrong() -> None:
    groups = group_by_cause("letters", [decode(record) for record in EVERY])

    assert sum(sum(group.counts.values()) for group in groups) == len(EVERY)
    told = {(group.cause.frame, group.group): sum(group.counts.values()) for group in groups if group.cause.frame}
    assert told["letters.SpringLetters$Stock.take", "billing"] == 3, "one cause, whichever order it was"
    assert told["letters.StreamsLetters.price", None] == 3
    assert told["letters.ConnectLetters$Put.refused", "connect-puts"] == 2


def test_a_real_stack_trace_is_folded_to_exceptions_and_our_code() -> None:
    stack = decode(recorded.letter("spring", "spring-orders-dlt/0/0")).failure.stack
    assert stack is not None

    shown = folded(stack)

    assert len(shown.split("\n")) < len(stack.split("\n")) / 2
    assert "at letters.SpringLetters.reserve" in shown
    assert "Caused by: java.lang.ArithmeticException: / by zero" in shown
    assert "at org.springframework" not in shown


@pytest.mark.parametrize("record", EVERY, ids=lambda record: str(record.position))
def test_where_a_letter_came_from_is_told_without_decoding_it(record: Record) -> None:
    assert BUILT_IN.origins(record) == decode(record).origins
