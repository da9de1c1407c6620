"""What the doctor looks at: this machine, this context, this cluster. Each check looks and changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING

from eventops import config
from eventops.config import ConfigurationError, Context
from eventops.errors import EventopsError, ExitCode
from eventops.ports import Capability
from eventops.wording import plural

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.cli.options import Choices

SERVICES = ("fastapi", "uvicorn", "sqlalchemy", "aiosmtpd", "opentelemetry.sdk")
NARROW = 80


class Health(StrEnum):
    """``note``: it works, with a limit worth knowing; ``problem``: something asked for can't work."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; ``remedy`` None where there is nothing to do. ``exit_code`` is what a problem means to a script."""

    area: str
    subject: str
    health: Health
    finding: str
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.FINDING


def machine() -> Iterator[Check]:
    """What this machine allows."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("machine", "python", Health.OK, f"Python {version}")
    yield _java()
    yield _services()
    yield _data_directory()
    yield _terminal()


def context(chosen: Choices) -> Iterator[Check | Context]:
    """What the configuration says; the context itself comes last, where there is one."""
    try:
        found = chosen.resolve()
        config.with_secrets(found.properties)
    except ConfigurationError as error:
        what, _, remedy = str(error).partition(": ")
        yield Check("context", "context", Health.PROBLEM, what, remedy or None, ExitCode.USAGE)
        return
    writes = "writes are refused" if found.read_only else "writes are allowed"
    yield Check("context", "context", Health.OK, f"{found.name}: {found.bootstrap_servers}, {writes}")
    yield found


def cluster(desk: Desk) -> Iterator[Check]:
    """What the cluster answers to these credentials; the first question that nobody answers is the last."""
    try:
        for question in (_identity, _topics, _groups, _settings, _ledger, _writing):
            yield question(desk)
    except EventopsError as error:
        yield Check("cluster", "cluster", Health.PROBLEM, error.what, error.remedy, error.exit_code)


def _java() -> Check:
    from eventops.local.java import find_java

    try:
        java = find_java()
    except EventopsError as error:
        return Check("machine", "java", Health.NOTE, f"no local Kafka: {error.what}", error.remedy)
    return Check("machine", "java", Health.OK, f"Java {java.version} from {java.origin}, for `eventops local`")


def _services() -> Check:
    missing = [name for name in SERVICES if find_spec(name.partition(".")[0]) is None]
    if missing:
        found = f"no demo: {', '.join(missing)} isn't installed"
        return Check("machine", "services", Health.NOTE, found, "pip install 'eventops[demo]'")
    return Check("machine", "services", Health.OK, "the reference services can run")


def _data_directory() -> Check:
    home = config.data_home()
    standing = next(place for place in (home, *home.parents) if place.exists())
    if not os.access(standing, os.W_OK):
        remedy = "name another with EVENTOPS_HOME"
        return Check("machine", "data", Health.NOTE, f"{standing} is not writable: no local Kafka, no demo", remedy)
    free = shutil.disk_usage(standing).free // 2**20
    health = Health.OK if free > 500 else Health.NOTE
    return Check("machine", "data", health, f"{home}, {free:,} MiB free", None if free > 500 else "make room")


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("machine", "terminal", Health.NOTE, "stdout is no terminal: no dashboard from here")
    columns, lines = shutil.get_terminal_size()
    remedy = f"{NARROW} columns show every table whole" if columns < NARROW else None
    return Check("machine", "terminal", Health.NOTE if remedy else Health.OK, f"{columns} x {lines}", remedy)


def _identity(desk: Desk) -> Check:
    found = desk.broker.cluster()
    brokers = f"{plural(len(found.brokers), 'broker')} ({', '.join(found.brokers)})"
    return Check("cluster", "cluster", Health.OK, f"{found.cluster_id}, {brokers}")


def _topics(desk: Desk) -> Check:
    found = desk.broker.topics()
    leaderless = sum(len(topic.leaderless) for topic in found)
    seen = f"{plural(len(found), 'topic')} may be read about"
    if leaderless:
        remedy = "bring their brokers back: what they hold can't be read"
        return Check(
            "cluster", "topics", Health.NOTE, f"{seen}; {plural(leaderless, 'partition')} without a leader", remedy
        )
    return Check("cluster", "topics", Health.OK, seen)


def _groups(desk: Desk) -> Check:
    found = desk.broker.groups()
    gaps = [*found.gaps, *desk.broker.committed_offsets([group.group_id for group in found.groups]).gaps]
    if gaps:
        finding = f"{plural(len(gaps), 'group')} can't be read: {gaps[0].subject}: {gaps[0].reason}"
        return Check("cluster", "groups", Health.NOTE, finding, "allow Describe on these groups")
    return Check("cluster", "groups", Health.OK, f"{plural(len(found.groups), 'group')}, committed offsets readable")


def _settings(desk: Desk) -> Check:
    names = [topic.name for topic in desk.broker.topics() if not topic.internal]
    unread = len(names) - len(desk.broker.retention(names))
    if unread:
        finding = f"the retention of {plural(unread, 'topic')} is unknown"
        return Check("cluster", "settings", Health.NOTE, finding, "allow DescribeConfigs on topics")
    return Check("cluster", "settings", Health.OK, "retention and cleanup policies readable")


def _ledger(desk: Desk) -> Check:
    doubts = desk.dlq.doubts()
    if not doubts:
        return Check("cluster", "ledger", Health.OK, "nothing speaks against what it tells of dead letters")
    (finding, remedy), *others = doubts
    more = f" (and {len(others):,} more)" if others else ""
    return Check("cluster", "ledger", Health.NOTE, f"{finding}{more}", remedy)


def _writing(desk: Desk) -> Check:
    if desk.context.read_only:
        return Check("cluster", "replay", Health.NOTE, "refused: the context is read-only")
    if not desk.broker.capabilities & Capability.TRANSACTIONS:
        return Check("cluster", "replay", Health.NOTE, "this broker has no transactions: no exactly-once replay")
    finding = "possible where the ACLs allow transactions; the first `dlq replay --execute` will tell"
    return Check("cluster", "replay", Health.OK, finding)
