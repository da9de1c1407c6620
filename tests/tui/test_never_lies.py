"""A broker that goes and comes back while somebody looks: what was known stays, dimmed and dated, and nothing hangs."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from eventops.adapters.kafka.probe import answers
from eventops.bootstrap import Desk, local_kafka
from eventops.config import BOOTSTRAP, Context
from eventops.events import Partition
from eventops.local.service import LocalKafka
from eventops.tui.app import Dashboard
from eventops.tui.lag import LagPage
from tests.apart import first_of
from tests.brokers.lab import KafkaLab
from tests.tui.stage import current, front, shown, table, until
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.broker,
    pytest.mark.asyncio,
    # kafka-python leaves the sockets of connections that were refused to the collector
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """One of the test's own, which it may end and start."""
    (tmp_path / "kafka").symlink_to(local_kafka().install().libs.parents[1])
    found = LocalKafka(tmp_path, tmp_path / "contexts.toml", answers)
    try:
        yield found
    finally:
        found.down()


@pytest.mark.timeout(240)
async def test_a_broker_that_goes_and_comes_back(kafka: LocalKafka, unique: Callable[[str], str]) -> None:
    port = first_of(1)
    servers = str(kafka.up(port=port).cluster.bootstrap_servers)
    lab = KafkaLab(servers, unique)
    group, home = lab.name("billing"), Partition(lab.topic(), 0)
    lab.append(home, b"a", b"b", b"c")
    lab.commit(group, {home: 1})
    with Desk(Context("test", {BOOTSTRAP: servers})) as desk:
        app = Dashboard(desk, refresh=0.5)
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: group in shown(pilot), "its row")
            assert current(app, "groups").group.lag == 2
            kill(kafka)
            await until(pilot, lambda: "no answer for" in shown(pilot), "that nobody answers", 60)
            await until(pilot, lambda: "retrying: " in shown(pilot), "why, and that it goes on asking", 60)
            text = shown(pilot)
            assert group in text, "what was known stays"
            assert current(app, "groups").group.lag == 2
            assert " old" in text.splitlines()[0], "with its age"
            assert front(app, LagPage).query_one("#body").has_class("-stale"), "dimmed"
            assert await answers_keys_within(0.5, app, pilot), "it doesn't hang"
            await in_a_thread(app, lambda: kafka.up(port=port))
            await until(pilot, lambda: "no answer for" not in shown(pilot), "an answer again, by itself", 60)
            assert not app.screen.query_one("#body").has_class("-stale")
            await in_a_thread(app, lambda: committed(servers, unique, group, home, 3))
            await until(pilot, lambda: current(app, "groups").group.lag == 0, "the figures of now", 60)
            for key in ("1", "3", "4", "5"):
                await pilot.press(key)
                await pilot.pause()
                assert "no answer for" not in shown(pilot)
    gc.collect()


def kill(kafka: LocalKafka) -> None:
    """As a machine dies: it takes no leave."""
    for node in kafka.status().nodes:
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)


def committed(servers: str, unique: Callable[[str], str], group: str, home: Partition, offset: int) -> None:
    """As soon as the broker that came back takes commits: it loads its groups first. By a client of its own each time:
    one that knew the broker before may wait for an answer for ever (librdkafka asks the coordinator that it knew)."""

    def is_taken() -> bool:
        lab = KafkaLab(servers, unique)
        try:
            lab.commit(group, {home: offset})
        except (KafkaException, TimeoutError):
            return False
        finally:
            lab.broker.close()
        return True

    wait_until(is_taken, "the commit", 90)


async def in_a_thread(app: Dashboard, work: Callable[[], object]) -> None:
    """While the dashboard goes on."""
    await app.run_worker(work, thread=True).wait()


async def answers_keys_within(seconds: float, app: Dashboard, pilot: object) -> bool:
    """A key's echo in the filter."""
    from textual.pilot import Pilot

    assert isinstance(pilot, Pilot)
    began = time.monotonic()
    await pilot.press("slash", "b")
    took = time.monotonic() - began
    assert table(app, "groups").needle == "b"
    await pilot.press("escape")
    return took < seconds
