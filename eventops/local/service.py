"""The use-cases: install, up, down, status, logs, and a cluster that ends with its user."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from eventops.errors import ProvisioningError
from eventops.local import context, jars, logs, nodes, planning, processes, rules, state
from eventops.local.disk import writing
from eventops.local.ephemeral import ephemeral_cluster
from eventops.local.java import find_java
from eventops.local.lock_file import held
from eventops.local.model import (
    DEFAULT_PORT,
    KAFKA_VERSION,
    ClusterRecord,
    Installation,
    LocalCluster,
    Node,
    NodeStatus,
    Plan,
    Probe,
    ProcessId,
    Progress,
    Standing,
    Started,
    silent,
)
from eventops.local.planning import Wish

_INSTALL_WAIT: Final = 180.0
_UP_WAIT: Final = 30.0
_STOP_SECONDS: Final = 15.0
_STILL_STARTING: Final = 30.0
_ATTEMPTS: Final = 3


class LocalKafka:
    """A real Apache Kafka on this machine.

    ``home`` holds its jars and its state, ``contexts`` is the file where the context ``local`` is written, ``answers``
    tells whether brokers answer.
    """

    def __init__(self, home: Path, contexts: Path, answers: Probe) -> None:
        self.home = home.absolute()
        self.state_home = self.home / "local"
        self._contexts = contexts
        self._answers = answers

    def install(self, progress: Progress = silent) -> Installation:
        """Java is found, and Kafka's jars are fetched where they aren't there. Needs no network the second time.

        Raises:
            ProvisioningError: no Java, no network, a broken download, or a disk that refuses.
        """
        java = find_java()
        software = self.home / "kafka" / KAFKA_VERSION
        libs = software / "libs"
        if jars.are_there(libs):
            return Installation(KAFKA_VERSION, libs, java)
        with held(software, "fetching Kafka", _INSTALL_WAIT):
            fresh = not jars.are_there(libs)
            if fresh:
                jars.install(libs, progress)
        return Installation(KAFKA_VERSION, libs, java, fresh)

    def up(self, brokers: int | None = None, port: int | None = None, progress: Progress = silent) -> Started:
        """Start what isn't running, wait until it answers, and make the context ``local`` the current one.

        Raises:
            ProvisioningError: it can't be set up or contradicts the cluster that is there.
            BrokerUnreachable: it runs but doesn't answer.
            ConfigurationError: the context can't be written.
        """
        processes.require_supervision()
        with held(self.state_home, "starting the local Kafka", _UP_WAIT):
            before = self._recorded()
            running = _running(before)
            wish = Wish(brokers, port)
            if before is not None:
                planning.refuse_what_cannot_be(before, wish, running)
            already = before is not None and len(running) == len(before.plan.nodes)
            if before is not None and already:
                self._await_answer(before.plan, running)
            else:
                self._bring_up(before, wish, running, progress)
            cluster = self.status()
            return Started(cluster, already, (*_port_notes(cluster, wish, before), *self._publish(cluster)))

    def down(self, *, delete_data: bool = False, progress: Progress = silent) -> bool:
        """End every broker and take the context away; says whether one was running.

        Raises:
            ProvisioningError: the state can't be read or the disk refuses.
            ConfigurationError: the context can't be written.
        """
        processes.require_supervision()
        if not self.state_home.exists():
            return False
        with held(self.state_home, "ending the local Kafka", _UP_WAIT):
            record = state.load_to_delete(self.state_home) if delete_data else state.load(self.state_home)
            running = _running(record)
            if running:
                progress("ending Kafka")
                processes.end(running, _STOP_SECONDS)
            if delete_data:
                self._delete_data()
            elif record is not None:
                state.save(self.state_home, ClusterRecord(record.plan))
            if record is not None:
                context.withdraw(self._contexts, record.plan.bootstrap_servers)
        return bool(running)

    def status(self) -> LocalCluster:
        """How it stands now; changes nothing.

        Raises:
            ProvisioningError: the state can't be read.
        """
        record = state.load(self.state_home)
        if record is None:
            return LocalCluster(Standing.ABSENT, self.state_home)
        processes.require_supervision()
        running = _running(record)
        shown = tuple(NodeStatus(node, _pid(running, node)) for node in record.plan.nodes)
        standing, reason = self._judged(record, running)
        return LocalCluster(standing, self.state_home, record.plan.version, shown, reason)

    def logs(self, number: int = 1, lines: int = 50, *, follow: bool = False) -> Iterator[str]:
        """The last lines of a broker's log, then, where asked, those to come.

        Raises:
            ProvisioningError: there is no such broker, or it has no log.
        """
        record = state.load(self.state_home)
        found = [node for node in record.plan.nodes if node.number == number] if record else []
        if not found or not found[0].log.exists():
            raise ProvisioningError(f"there is no log of a local broker {number}", "start it with `eventops local up`")
        return logs.read(found[0].log, lines, follow=follow)

    def ephemeral(self, directory: Path, brokers: int = 1, progress: Progress = silent) -> AbstractContextManager[str]:
        """A cluster of its own on free ports, with its state in ``directory``: yields the bootstrap servers.

        It ends with the block, and dies with this process however that ends. The context ``local`` is left alone.

        Raises:
            ProvisioningError: it can't be set up.
            BrokerUnreachable: it runs but doesn't answer.
        """
        return ephemeral_cluster(directory.absolute(), brokers, self.install(progress), self._answers, progress)

    def _recorded(self) -> ClusterRecord | None:
        record = state.load(self.state_home)
        return state.of_this_version(record) if record else None

    def _bring_up(
        self, before: ClusterRecord | None, wish: Wish, running: Mapping[int, ProcessId], progress: Progress
    ) -> None:
        installation = self.install(progress)
        for attempt in range(1, _ATTEMPTS + 1):
            plan = planning.planned(self.state_home, before, wish, running)
            try:
                return self._start(plan, running, installation, progress)
            except nodes.PortLost:
                if attempt == _ATTEMPTS:
                    raise
                before = ClusterRecord(plan)
        raise AssertionError("the last attempt returns or raises")

    def _start(
        self, plan: Plan, running: Mapping[int, ProcessId], installation: Installation, progress: Progress
    ) -> None:
        """Start the nodes that don't run. Where that fails, those just started are ended again."""
        missing = [node for node in plan.nodes if node.number not in running]
        state.save(self.state_home, ClusterRecord(plan, running))
        progress("preparing storage")
        nodes.prepare(missing, plan, installation)
        progress(
            f"starting Kafka {installation.version} on {installation.java.origin}'s Java {installation.java.version}"
        )
        started: dict[int, ProcessId] = {}
        launches: list[nodes.Launch] = []
        try:
            for node in missing:
                launches.append(_launched(node, installation, started))
                state.save(self.state_home, ClusterRecord(plan, {**running, **started}))
            nodes.await_ready(plan, launches, self._answers)
        except BaseException:
            processes.end(started, _STOP_SECONDS)
            state.save(self.state_home, ClusterRecord(plan, running))
            raise

    def _await_answer(self, plan: Plan, running: Mapping[int, ProcessId]) -> None:
        launches = [_watched(node, running[node.number]) for node in plan.nodes]
        nodes.await_ready(plan, launches, self._answers, _STILL_STARTING)

    def _judged(self, record: ClusterRecord, running: Mapping[int, ProcessId]) -> tuple[Standing, str | None]:
        if not running and not record.processes:
            return Standing.STOPPED, None
        for node in record.plan.nodes:
            if node.number not in running:
                told = f"broker {node.number} is gone; `eventops local up` brings it back; its log is {node.log}"
                return Standing.BROKEN, told
        if not nodes.all_answer(record.plan, self._answers):
            return (
                Standing.BROKEN,
                f"it runs but doesn't answer (yet, or any more); its log is {record.plan.nodes[0].log}",
            )
        return Standing.RUNNING, None

    def _publish(self, cluster: LocalCluster) -> tuple[str, ...]:
        published = context.publish(self._contexts, cluster.bootstrap_servers or "")
        if published.replaced is None:
            return ()
        back = f"`eventops context use {published.replaced}`, or `eventops local down`, brings it back"
        return (f"the context {published.name} is current now, instead of {published.replaced}: {back}",)

    def _delete_data(self) -> None:
        with writing(self.state_home):
            for directory in self.state_home.glob("node-*"):
                shutil.rmtree(directory)
            (self.state_home / "cluster.json").unlink(missing_ok=True)


def _running(record: ClusterRecord | None) -> dict[int, ProcessId]:
    """The processes of the plan's nodes, by node number: those recorded, else whoever has a node's configuration.

    The latter finds a broker whose starter was killed before it could write its number down.
    """
    found: dict[int, ProcessId] = {}
    for node in record.plan.nodes if record else ():
        known = record.processes.get(node.number) if record else None
        if known is None or not processes.is_alive(known):
            known = processes.find(str(node.properties))
        if known is not None:
            found[node.number] = known
    return found


def _launched(node: Node, installation: Installation, started: dict[int, ProcessId]) -> nodes.Launch:
    log_from = nodes.log_size(node)
    with writing(node.log):
        process = processes.start_detached(rules.broker_command(installation, node), node.log)
    started[node.number] = process
    return nodes.Launch(node, log_from, lambda: processes.is_alive(process))


def _watched(node: Node, process: ProcessId) -> nodes.Launch:
    return nodes.Launch(node, nodes.log_size(node), lambda: processes.is_alive(process))


def _pid(running: Mapping[int, ProcessId], node: Node) -> int | None:
    return running[node.number].pid if node.number in running else None


def _port_notes(cluster: LocalCluster, wish: Wish, before: ClusterRecord | None) -> tuple[str, ...]:
    """A sentence where it listens elsewhere than people expect; a cluster that was there before keeps its port."""
    port = cluster.nodes[0].node.port
    kept = before is not None and before.plan.nodes[0].port == port
    if kept or wish.port is not None or port == DEFAULT_PORT:
        return ()
    return (f"port {DEFAULT_PORT} is taken; Kafka listens on {port}",)
