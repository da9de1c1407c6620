"""Groups are asked about on a real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.brokers.lab import KafkaLab


@pytest.fixture
def lab(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[KafkaLab]:
    """A real Apache Kafka."""
    lab = KafkaLab(bootstrap_servers, unique)
    yield lab
    lab.close()
