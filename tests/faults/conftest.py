"""A cluster of its own for every test: what is broken here, nobody else may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eventops.adapters.kafka.probe import answers
from eventops.bootstrap import local_kafka
from eventops.local.service import LocalKafka
from tests.apart import first_of


@pytest.fixture
def three(tmp_path: Path) -> Iterator[LocalKafka]:
    """Three brokers; every record of an internal topic on all of them, a write takes two."""
    with _cluster(tmp_path, 3) as kafka:
        yield kafka


@pytest.fixture
def one(tmp_path: Path) -> Iterator[LocalKafka]:
    """One broker."""
    with _cluster(tmp_path, 1) as kafka:
        yield kafka


@contextmanager
def _cluster(tmp_path: Path, brokers: int) -> Iterator[LocalKafka]:
    (tmp_path / "kafka").symlink_to(local_kafka().install().libs.parents[1])
    kafka = LocalKafka(tmp_path, tmp_path / "contexts.toml", answers)
    try:
        kafka.up(brokers=brokers, port=first_of(brokers))
        yield kafka
    finally:
        kafka.down()
