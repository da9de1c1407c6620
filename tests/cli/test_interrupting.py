"""Ctrl-C, whatever runs at that moment."""

from __future__ import annotations

import os
import signal
import threading

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


@pytest.mark.broker
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
