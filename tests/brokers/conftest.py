"""Every broker passes the same suite: one more adapter is one more parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.brokers.lab import KafkaLab, Lab


@pytest.fixture(params=["kafka"])
def lab(request: pytest.FixtureRequest) -> Lab:
    """Each broker that claims to fulfil the protocol."""
    found: Lab = request.getfixturevalue(f"{request.param}_lab")
    return found


@pytest.fixture
def kafka_lab(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[KafkaLab]:
    """A real Apache Kafka."""
    lab = KafkaLab(bootstrap_servers, unique)
    lab.broker.groups([lab.name("nobody")])  # brings the second client up, which is to be tested
    yield lab
    lab.close()
