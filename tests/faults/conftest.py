"""A cluster of its own for every test: what is broken here, nobody else may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventops.adapters.kafka.probe import answers
from eventops.bootstrap import local_kafka
from eventops.local.service import LocalKafka
from tests.apart import first_of


@pytest.fixture
def three(tmp_path: Path) -> Iterator[LocalKafka]:
    """Three brokers; every record of an internal topic on all of them, a write takes two."""
    (tmp_path / "kafka").symlink_to(local_kafka().install().libs.parents[1])
    kafka = LocalKafka(tmp_path, tmp_path / "contexts.toml", answers)
    try:
        kafka.up(brokers=3, port=first_of(3))
        yield kafka
    finally:
        kafka.down()
