"""Ctrl-C, whatever runs at that moment."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import OffsetSpec

from eventops.adapters.kafka.connection import Connection
from eventops.cli import diagnostics
from eventops.config import BOOTSTRAP
from eventops.errors import ExitCode
from tests.dlq.workshop import Workshop

TIMES = 40
"""About every third Ctrl-C meets the client's C code, from which it comes as a SystemError."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Hypothesis has a callback of the collector, in which a KeyboardInterrupt is lost."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.broker
@pytest.mark.usefixtures("no_collector")
def test_ctrl_c_in_the_middle_of_a_question_is_no_defect(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = workshop.topic(workshop.unique("asked"), 50)
    asked = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(50)}
    admin = Connection({BOOTSTRAP: workshop.bootstrap}, 10.0).admin()

    def ask_for_ever() -> None:
        threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGINT)).start()
        while True:
            admin.list_offsets(asked, request_timeout=10.0)

    codes = {diagnostics.run(ask_for_ever) for _ in range(TIMES)}
    assert codes == {ExitCode.INTERRUPTED}
    assert set(capsys.readouterr().err.splitlines()) == {"interrupted"}
