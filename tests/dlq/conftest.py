"""The dead-letter service on the real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq.service import DeadLetterService


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
