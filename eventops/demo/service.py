"""The demo from its start to its report."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eventops.bootstrap import Desk, desk_for, local_kafka
from eventops.config import BOOTSTRAP, Context, contexts_path
from eventops.demo import parts, report
from eventops.demo.model import DemoReport, Telemetry, Wish
from eventops.demo.stage import Stage
from eventops.demo.telemetry import lost_spans, means
from eventops.demo.telemetry import start as start_telemetry
from eventops.errors import UsageError
from eventops.local.context import NAME as CONTEXT
from eventops.local.context import described, publish, withdraw
from eventops.local.model import Standing
from eventops.wording import plural

if TYPE_CHECKING:
    from eventops.events import Partition

Say = Callable[[str], None]
SETTLE_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 1.0
"""How often Jaeger is asked for a whole request."""
TRY: Final = ("lag", "trace ID", "dlq")
KEPT_RUNS: Final = 5
"""Demos with brokers of their own whose logs are kept."""


@dataclass(frozen=True)
class RunningDemo:
    """Everything is up. ``before`` are the log's ends when it began, so that a report counts this run alone."""

    desk: Desk
    stage: Stage
    wish: Wish
    http: Mapping[str, str]
    started_at: datetime
    before: Mapping[Partition, int]
    telemetry: Telemetry | None = None

    def wait(self, seconds: float | None) -> None:
        """Wait until the time is over; without an end where it is None.

        Raises:
            PartFailed: a part ended meanwhile.
        """
        self.stage.ended.wait(seconds)
        if self.stage.failure is not None:
            raise self.stage.failure

    def watch(self, seconds: float, say: Say) -> None:
        """Like :meth:`wait`; as soon as Jaeger holds a whole request, say where it can be seen."""
        deadline, is_said = time.monotonic() + seconds, self.desk.trace_store is None
        while not is_said and time.monotonic() < deadline and not self.stage.ended.is_set():
            self.wait(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
            told = [line for line in self.stage.lines("traffic") if "seconds" in line] if self.wish.rate else []
            candidates = told[-1].get("example_correlation_ids", []) if told else []
            if found := report.in_jaeger(self.desk, candidates, self.started_at):
                say(f"request {found[0]}, from one of its HTTP requests, to its mails: {found[1]}")
                is_said = True
        self.wait(max(0.0, deadline - time.monotonic()))

    def finish(self) -> DemoReport:
        """End the traffic, let the services work off what they have, and say what happened.

        The slow consumer is not waited for: its lag is part of the show.
        """
        requests: Mapping[str, Any] = {}
        if self.wish.rate:
            self.stage.end("traffic")
            requests = self.stage.lines("traffic")[-1]
        self._settle()
        return report.gather(self.desk, requests, self)

    def _settle(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and report.is_anyone_busy(self.desk, patient_with=parts.SLOW_GROUP):
            self.wait(0.5)


@contextmanager
def running(home: Path, wish: Wish, say: Say, named: Context | None = None) -> Iterator[RunningDemo]:
    """Start all of it on the named cluster, else on the local broker, or on one of the demo's own; whatever happens,
    all of it ends.

    Raises:
        ConfigurationError: the services can't be told of the cluster.
        BrokerUnavailable: the named cluster doesn't answer.
        NotPermitted: its context is read-only.
        PartFailed: a part didn't start.
        ProvisioningError: there can be no local Kafka on this machine.
        UsageError: another demo works on this broker.
    """
    with _broker(home / "demo", say, named) as (cluster, own), ExitStack() as held:
        servers = str(cluster.bootstrap_servers)
        state = own or home / "demo" / _cluster_id(cluster)
        held.enter_context(_alone(state))
        stage = Stage(_run_directory(state))
        if wish.telemetry:
            held.callback(_tell_losses, stage, say)  # when all have ended: a service says it with its last words
        held.enter_context(stage)
        telemetry = start_telemetry(stage, servers, means(os.environ), say) if wish.telemetry else None
        settings = {"jaeger": telemetry.jaeger} if telemetry and telemetry.jaeger else {}
        held.enter_context(described(contexts_path(), servers, settings))
        desk = held.enter_context(desk_for(replace(cluster, settings={**cluster.settings, **settings})))
        before, started_at = report.ends(desk), desk.now()
        http = _start(stage, parts.kafka_of(cluster), state, wish, telemetry or Telemetry(), say)
        option = "" if named is None else f" {_option(cluster)}"
        say(f"all parts are up on {servers}; in a second terminal: {', '.join(f'eventops{option} {c}' for c in TRY)}")
        yield RunningDemo(desk, stage, wish, http, started_at, before, telemetry)
        say("ending the demo")


def _tell_losses(stage: Stage, say: Say) -> None:
    for loss in stage.losses:
        say(f"{loss}: from then on spans went nowhere")
    for name, log in stage.log_files.items():
        if lost := lost_spans(log.read_text(errors="replace")):
            say(f"{name} lost {plural(lost, 'span')}: no collector took them in time")


def _option(cluster: Context) -> str:
    return (
        f"-b {cluster.bootstrap_servers}" if cluster.name == cluster.bootstrap_servers else f"--context {cluster.name}"
    )


def _cluster_id(cluster: Context) -> str:
    """
    Raises:
        BrokerUnavailable: it doesn't answer.
        NotPermitted: its context is read-only.
    """
    with desk_for(cluster) as desk:
        desk.require_writable()
        return desk.broker.cluster().cluster_id


def _start(
    stage: Stage, kafka: Mapping[str, str], state: Path, wish: Wish, telemetry: Telemetry, say: Say
) -> Mapping[str, str]:
    say(f"starting the mail server and three services (logs in {stage.logs})")
    mail = parts.mail_server(state / "mails")
    stage.start(mail)
    http = {}
    ready = stage.ready(mail.name)
    http[mail.name] = str(ready["http"])
    services = parts.services(kafka, state, str(ready["smtp"]), wish, telemetry.environ)
    for part in services:
        stage.start(part)
    for part in services:
        http[part.name] = str(stage.ready(part.name)["http"])
    if wish.rate:
        stage.start(parts.traffic(kafka, http, wish))
    return http


@contextmanager
def _broker(directory: Path, say: Say, named: Context | None) -> Iterator[tuple[Context, Path | None]]:
    """The named cluster, else the local broker where one is up, else an own one, the context `local` meanwhile.

    A demo with a broker of its own starts from nothing: its state stands in a directory of its own, the second value,
    where the logs stay when it has ended.
    """
    if named is not None:
        say(f"using the Kafka at {named.bootstrap_servers}")
        yield named, None
        return
    kafka = local_kafka()
    cluster = kafka.status()
    if cluster.standing is Standing.RUNNING and cluster.bootstrap_servers:
        say(f"using the local Kafka at {cluster.bootstrap_servers}")
        yield Context(CONTEXT, {BOOTSTRAP: cluster.bootstrap_servers}), None
        return
    say("starting a Kafka of the demo's own")
    own = _fresh(directory / "runs")
    contexts = contexts_path()
    try:
        with kafka.ephemeral(own / "kafka", progress=say) as servers:
            publish(contexts, servers)
            try:
                yield Context(CONTEXT, {BOOTSTRAP: servers}), own
            finally:
                withdraw(contexts, servers)
    finally:
        shutil.rmtree(own / "kafka", ignore_errors=True)


def _fresh(runs: Path) -> Path:
    """A new directory; of the earlier ones the latest few are kept, for their logs."""
    earlier = sorted(path for path in runs.glob("*Z") if path.is_dir())
    for path in earlier[: -(KEPT_RUNS - 1)]:
        shutil.rmtree(path, ignore_errors=True)
    return runs / _stamp()


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    state.mkdir(parents=True, exist_ok=True)
    lock = FileLock(state / "demo.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError("another demo works on this broker", remedy="end it with Ctrl-C first") from None
    try:
        yield
    finally:
        lock.release()


def _run_directory(state: Path) -> Path:
    logs = state / "logs" / _stamp()
    logs.mkdir(parents=True)
    return logs


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
