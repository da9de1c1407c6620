"""A service as a process: web server, consumers and relay side by side, started and ended in the right order."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from threading import Thread
from typing import Protocol

from confluent_kafka import KafkaException
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from reference_services.kit import clients
from reference_services.kit.database import open_database, trace_queries
from reference_services.kit.export import CannotExport
from reference_services.kit.http import WebServer
from reference_services.kit.logs import set_up_logs
from reference_services.kit.outbox import Relay
from reference_services.kit.runner import Runner
from reference_services.kit.settings import InvalidSetting, Settings, read_settings
from reference_services.kit.topics import create_topics_when_reachable
from reference_services.kit.tracing import Tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resources:
    """What a service is built from."""

    settings: Settings
    engine: Engine
    tracing: Tracing


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service consists of; ``publishes`` names the topics it writes, without prefix."""

    app: FastAPI
    publishes: Sequence[str]
    runners: Sequence[Runner] = ()


class _Runs(Protocol):
    def run(self, stop: Flag, /) -> None: ...


class Service:
    """The threads of one service. A part that fails ends the whole, with exit code 1: a supervisor starts it anew."""

    def __init__(self, resources: Resources, parts: Parts) -> None:
        self._settings = resources.settings
        self._tracing = resources.tracing
        self._parts = parts
        self._web = WebServer(parts.app, resources.settings.http_host, resources.settings.http_port)
        self._relay = Relay(resources.engine, clients.producer(resources.settings), resources.tracing)
        self._stop = Flag()
        self._drain = Flag()
        self._failed = False

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; a second signal ends at once. The exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        web = self._start(self._web, self._stop)
        relay = self._start(self._relay, self._drain)
        runners = [self._start(runner, self._stop) for runner in self._parts.runners]
        self._announce()
        self._stop.wait()
        self._web.close()
        for thread in [web, *runners]:
            thread.join()
        self._drain.set()
        relay.join()
        self._tracing.shutdown()
        log.info("stopped")
        return int(self._failed)

    def _start(self, part: _Runs, stop: Flag) -> Thread:
        thread = Thread(target=self._guard, args=(part, stop), name=type(part).__name__)
        thread.start()
        return thread

    def _guard(self, part: _Runs, stop: Flag) -> None:
        try:
            if isinstance(part, WebServer) or self._has_topics(stop):
                part.run(stop)
        except BaseException:
            log.exception("%s failed; the service ends", type(part).__name__)
            self._failed = True
        finally:
            self._stop.set()

    def _has_topics(self, stop: Flag) -> bool:
        names = {*self._parts.publishes, *(topic for runner in self._parts.runners for topic in runner.topics)}
        cluster_id = create_topics_when_reachable(self._settings, names, stop)
        if cluster_id is not None:
            self._tracing.connected_to(cluster_id)
        return cluster_id is not None

    def _announce(self) -> None:
        while not self._web.is_up and not self._stop.wait(0.01):
            pass
        if self._web.is_up:
            print(json.dumps({"ready": self._settings.service, "http": self._web.url}), flush=True)

    def _on_signal(self, number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        self._stop.set()


def _remedy(error: Exception) -> str:
    """What is wrong, and which variable to look at."""
    words = str(error).splitlines()[0]
    if isinstance(error, SQLAlchemyError):
        return f"the database can't be used ({words}): check DATABASE_URL"
    if isinstance(error, KafkaException):
        return f"Kafka's client refuses its configuration ({words}): check KAFKA_CLIENT"
    if isinstance(error, OSError):
        return f"the address can't be used ({words}): choose another HTTP_HOST or HTTP_PORT (0: any free one)"
    return words


def run_service(name: str, wire: Callable[[Resources], Parts]) -> int:
    """Build a service from the environment and run it: 0 stopped, 1 failed, 2 wrong configuration."""
    try:
        settings = read_settings(name, os.environ)
        set_up_logs(name, settings.log_format)
        tracing = Tracing(name, os.environ, settings.kafka["bootstrap.servers"].split(",")[0])
        parts_of = Resources(settings, open_database(settings.database_url), tracing)
        trace_queries(parts_of.engine, tracing)
        service = Service(parts_of, wire(parts_of))
    except (InvalidSetting, CannotExport, OSError, SQLAlchemyError, KafkaException) as error:
        print(f"{name}: {_remedy(error)}", file=sys.stderr)
        return 2
    code = service.run()
    parts_of.engine.dispose()
    gc.freeze()  # the interpreter's last search for garbage goes through every module: a quarter second for nothing
    return code
