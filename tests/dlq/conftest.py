"""The dead-letter service on the real broker."""

from __future__ import annotations

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq.service import DeadLetterService


@pytest.fixture
def service(broker: KafkaBroker, own_ledger: str) -> DeadLetterService:
    """A desk with nothing remembered."""
    return DeadLetterService(broker, operator="ada@test")
