"""What was committed is published, in order a key, whatever dies in between."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from confluent_kafka.admin import AdminClient

from eventops.events import Record, read_event
from reference_services.kit.topics import create_missing
from tests.services import kafka
from tests.services.processes import Running, Stack, until

pytestmark = pytest.mark.broker

LIFE = ("user.registered", "user.passwordReset", "user.passwordReset")


def register_and_reset(users: Running, number: int) -> str:
    """One user's id, after a registration and two password resets."""
    with httpx.Client(base_url=users.http, timeout=10) as http:
        answer = http.post("/users", json={"email": f"user{number}@example.com"})
        assert answer.status_code == 201
        user_id: str = answer.json()["userId"]
        for _ in range(2):
            assert http.post(f"/users/{user_id}/password-reset").status_code == 202
    return user_id


def first_sightings(records: list[Record]) -> dict[str, tuple[str, ...]]:
    """Event types by key, each event once, in the order in which it first appeared."""
    seen: set[str | None] = set()
    by_key: dict[str, tuple[str, ...]] = {}
    for record in records:
        ids = read_event(record).ids
        if ids.event_id not in seen:
            seen.add(ids.event_id)
            key = (record.key or b"").decode()
            by_key[key] = (*by_key.get(key, ()), ids.event_type or "")
    return by_key


@pytest.fixture
def unreachable() -> Iterator[str]:
    """An address where nobody listens, for as long as the test runs."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{nobody.getsockname()[1]}"


@pytest.fixture
def topic(bootstrap_servers: str, prefix: str) -> str:
    name = f"{prefix}user-events"
    create_missing(AdminClient({"bootstrap.servers": bootstrap_servers}), [name])
    return name


@pytest.mark.faults
def test_killed_between_commit_and_publish_the_events_arrive_after_the_restart(
    services: Stack, bootstrap_servers: str, topic: str, unreachable: str
) -> None:
    users = services.start("users", KAFKA_BOOTSTRAP_SERVERS=unreachable)
    ids = [register_and_reset(users, number) for number in range(3)]
    users.stop(signal.SIGKILL)
    services.start("users")
    assert first_sightings(kafka.read(bootstrap_servers, topic, 3 * len(LIFE))) == dict.fromkeys(ids, LIFE)


@pytest.mark.faults
def test_killed_while_the_broker_refuses_the_events_arrive_after_the_restart(
    services: Stack, bootstrap_servers: str, topic: str
) -> None:
    """With a topic that takes no record so large, each send is tried and none is acknowledged."""
    kafka.set_topic(bootstrap_servers, topic, "max.message.bytes", "10")
    users = services.start("users")
    ids = [register_and_reset(users, number) for number in range(3)]
    until(lambda: "events wait in the outbox" in users.log.read_text())
    users.stop(signal.SIGKILL)
    assert kafka.size(bootstrap_servers, topic) == 0
    kafka.set_topic(bootstrap_servers, topic, "max.message.bytes", "100000")
    services.start("users")
    assert first_sightings(kafka.read(bootstrap_servers, topic, 3 * len(LIFE))) == dict.fromkeys(ids, LIFE)


def test_a_broker_that_takes_nothing_for_a_while_gets_everything_then(
    services: Stack, bootstrap_servers: str, topic: str
) -> None:
    kafka.set_topic(bootstrap_servers, topic, "max.message.bytes", "10")
    users = services.start("users")
    ids = [register_and_reset(users, number) for number in range(3)]
    until(lambda: "events wait in the outbox" in users.log.read_text())
    kafka.set_topic(bootstrap_servers, topic, "max.message.bytes", "100000")
    assert first_sightings(kafka.read(bootstrap_servers, topic, 3 * len(LIFE))) == dict.fromkeys(ids, LIFE)


@pytest.mark.faults
def test_killed_again_and_again_while_publishing_nothing_is_lost_or_out_of_order(
    services: Stack, bootstrap_servers: str, topic: str, unreachable: str
) -> None:
    users = services.start("users", KAFKA_BOOTSTRAP_SERVERS=unreachable)
    with ThreadPoolExecutor(4) as callers:
        ids = list(callers.map(lambda number: register_and_reset(users, number), range(40)))
    users.stop(signal.SIGKILL)
    for _ in range(3):
        before = kafka.size(bootstrap_servers, topic)
        relaying = services.start("users")
        _until_it_grows(bootstrap_servers, topic, before)
        relaying.stop(signal.SIGKILL)
    assert services.start("users").stop(signal.SIGTERM) == 0, "a graceful end drains the outbox"
    records = kafka.read(bootstrap_servers, topic, kafka.size(bootstrap_servers, topic))
    assert first_sightings(records) == dict.fromkeys(ids, LIFE)


def _until_it_grows(bootstrap: str, topic: str, before: int) -> None:
    """Wait for the next record, or for nothing where all are there."""
    until(lambda: not before < 40 * len(LIFE) or kafka.size(bootstrap, topic) > before)
