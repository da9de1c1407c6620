"""A workshop on the real broker, and a ledger of this test alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq import ledger
from eventops.dlq.service import DeadLetterService
from tests.dlq.workshop import Workshop


@pytest.fixture
def workshop(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[Workshop]:
    """Real topics, deleted at the end."""
    found = Workshop(bootstrap_servers, unique)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def own_ledger(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The ledger's name while the test runs; the topic isn't there yet."""
    name = workshop.unique("ledger")
    monkeypatch.setattr(ledger, "TOPIC", name)
    monkeypatch.setattr(ledger, "PARTITIONS", 2)
    yield name
    workshop.forget(name)


@pytest.fixture
def broker(bootstrap_servers: str) -> Iterator[KafkaBroker]:
    """The adapter that the service works through."""
    found = KafkaBroker({"bootstrap.servers": bootstrap_servers})
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def service(broker: KafkaBroker, own_ledger: str) -> DeadLetterService:
    """A desk with nothing remembered."""
    return DeadLetterService(broker, operator="ada@test")
