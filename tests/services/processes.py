"""The services as real processes, each with its own database, on free ports; all of them end with the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TypeVar

from fastapi import FastAPI

from reference_services.kit.http import WebServer

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


def until(found: Callable[[], T | None], seconds: float = 20.0) -> T:
    """What ``found`` returns, as soon as it is true; the deadline is generous, the machine may be busy."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain, last seen: {result!r}"
        time.sleep(0.05)
    assert result is not None
    return result


@dataclass
class Running:
    """A started process; ``ready`` is the line it printed, ``log`` where its stderr goes."""

    process: subprocess.Popen[str]
    ready: dict[str, str]
    log: Path

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15.0) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    @property
    def http(self) -> str:
        return self.ready["http"]


@dataclass
class Stack:
    """Starts services; ``environ`` is common to all of them."""

    home: Path
    environ: dict[str, str]
    started: list[Running] = field(default_factory=list)

    def start(self, module: str, **environ: str) -> Running:
        """Start a service and wait for its ready line; a second start finds the first one's database."""
        log = self.home / f"{module}.{len(self.started)}.log"
        database = f"sqlite:///{self.home / module}.db"
        full = self.whole_environ() | {"DATABASE_URL": database, **environ}
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", f"reference_services.{module}"],
                cwd=ROOT,
                env=full,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        running = Running(process, _ready_line(process, log), log)
        self.started.append(running)
        return running

    def whole_environ(self) -> dict[str, str]:
        """This process's environment, with what is common to the services."""
        return {**os.environ, **self.environ}

    def end(self) -> None:
        """End what still runs."""
        for running in self.started:
            if running.process.poll() is None:
                running.process.terminate()
        for running in self.started:
            try:
                running.process.wait(15)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
            if running.process.stdout is not None:
                running.process.stdout.close()


@contextmanager
def stack(home: Path, bootstrap: str, prefix: str) -> Iterator[Stack]:
    """Services on their own topics and groups of a shared broker."""
    services = Stack(home, {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "TOPIC_PREFIX": prefix, "GROUP_PREFIX": prefix})
    try:
        yield services
    finally:
        services.end()


def _ready_line(process: subprocess.Popen[str], log: Path) -> dict[str, str]:
    lines: list[str] = []
    stdout = process.stdout
    assert stdout is not None
    reader = Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
    reader.start()
    reader.join(20)
    if not lines or not lines[0]:
        process.kill()
        process.wait()
        stdout.close()
        raise AssertionError(f"no ready line: {log.read_text()}")
    ready: dict[str, str] = json.loads(lines[0])
    return ready


def mail_environ(mail: Running) -> Mapping[str, str]:
    """Where a mail server takes mails, as settings."""
    host, _, port = mail.ready["smtp"].partition(":")
    return {"SMTP_HOST": host, "SMTP_PORT": port}


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app over real HTTP: its address."""
    server = WebServer(app, "127.0.0.1", 0)
    thread = Thread(target=server.run, args=(Flag(),))
    thread.start()
    try:
        until(lambda: server.is_up)
        yield server.url
    finally:
        server.close()
        thread.join(10)
