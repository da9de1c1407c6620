"""What tests share: one real Apache Kafka a run, and names that no other test has."""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import settings

from eventops.bootstrap import local_kafka
from eventops.dlq import ledger
from eventops.local import planning
from tests.apart import CONTROLLERS
from tests.dlq.workshop import Workshop

if TYPE_CHECKING:
    from eventops.adapters.kafka.broker import KafkaBroker

BROKER: Final = pytest.StashKey[str]()
"""The bootstrap servers of the run's broker, in the process that started it."""

SERVERS: Final = "bootstrap_servers"

GRACE: Final = 60.0
"""Seconds after a test's own timeout in which it may still end by itself."""


def pytest_configure() -> None:
    """What a shell exports for its own work names no cluster here, and no file to write to: ``EVENTOPS_TEST_*`` is for
    tests, ``EVENTOPS_HOME`` is where Kafka's jars are.

    A suite that a shell started in the background ignores Ctrl-C, and so would every process that it starts."""
    for name in [name for name in os.environ if name.startswith("EVENTOPS_")]:
        if name != "EVENTOPS_HOME" and not name.startswith("EVENTOPS_TEST_"):
            del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    planning._FIRST_CONTROLLER_PORT = CONTROLLERS
    settings.register_profile("untimed", deadline=None)  # how long an example takes is the machine's business
    settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A run of several processes (``-n``) has one broker too: the process that hands out the tests holds it."""
    config: pytest.Config = node.config
    if "not broker" in str(config.getoption("markexpr")):
        return
    if BROKER not in config.stash:
        held = ExitStack()
        config.stash[BROKER] = held.enter_context(_a_broker())
        config.add_cleanup(held.close)
    node.workerinput[SERVERS] = config.stash[BROKER]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process is left alone with it at the end of a run."""
    items.sort(key=lambda item: -_timeout(item))


def _timeout(item: pytest.Item) -> float:
    """Seconds that a test may take."""
    found = item.get_closest_marker("timeout")
    return float(found.args[0] if found else item.config.getini("timeout"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that hangs in native code can't be ended by its timeout, which is a signal that Python handles: a grace
    later every thread's stack is printed and the process ends, and by ``--max-worker-restart 0`` the run with it."""
    faulthandler.dump_traceback_later(
        _timeout(item) + GRACE, exit=True, file=item.config.stash[fault_handler_stderr_fd_key]
    )
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def bootstrap_servers(request: pytest.FixtureRequest) -> Iterator[str]:
    """A real broker: the one that ``EVENTOPS_TEST_BOOTSTRAP`` names, else one of our own that ends with the run."""
    handed_out: dict[str, str] = getattr(request.config, "workerinput", {})
    if SERVERS in handed_out:
        yield handed_out[SERVERS]
        return
    with _a_broker() as servers:
        yield servers


@contextmanager
def _a_broker() -> Iterator[str]:
    if named := os.environ.get("EVENTOPS_TEST_BOOTSTRAP"):
        yield named
        return
    directory = Path(tempfile.mkdtemp(prefix="eventops-test-kafka-"))
    try:
        with local_kafka().ephemeral(directory) as servers:
            yield servers
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Names for topics and groups: readable, and of this test alone."""
    run = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{run}"


@pytest.fixture
def broker(bootstrap_servers: str) -> Iterator[KafkaBroker]:
    """The adapter of the run's broker."""
    from eventops.adapters.kafka.broker import KafkaBroker

    found = KafkaBroker({"bootstrap.servers": bootstrap_servers})
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def workshop(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[Workshop]:
    """Real topics with letters, deleted at the end."""
    found = Workshop(bootstrap_servers, unique)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def own_ledger(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ledger's name while the test runs; the topic isn't there yet."""
    name = workshop.unique("ledger")
    monkeypatch.setattr(ledger, "TOPIC", name)
    monkeypatch.setattr(ledger, "PARTITIONS", 2)
    workshop.forget(name)
    return name
