"""A real Jaeger and a real collector, started as the demo starts them, on free ports of this machine's loopback."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from eventops.adapters.spans import of_otlp
from eventops.demo.stage import Stage
from eventops.demo.telemetry import ANY_PORTS, Addresses, Means, start
from eventops.ports import StoredSpan

VARIABLES: Final = ("EVENTOPS_TEST_JAEGER", "EVENTOPS_TEST_OTELCOL")


def programs() -> Means:
    """What the two variables name; without them the test is skipped, and the run's summary says why."""
    jaeger, collector = (os.environ.get(name) for name in VARIABLES)
    if not jaeger or not collector:
        pytest.skip(f"{' and '.join(VARIABLES)} don't name a Jaeger 2 and a contrib collector: no real one is asked")
    for path in (jaeger, collector):
        assert os.access(path, os.X_OK), f"{path} is named and can't be run"
    return Means(None, jaeger, collector)


@dataclass(frozen=True)
class Observatory:
    """Both are up. ``environ``: what a service has to be told; ``page``: Jaeger; ``metrics``, ``own_metrics``: for
    Prometheus; ``health`` and ``otlp_grpc``: of the
    collector."""

    stage: Stage
    environ: Mapping[str, str]
    page: str
    metrics: str
    own_metrics: str
    health: str
    otlp_grpc: str

    def asked(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Jaeger's answer; None: it has nothing of the kind."""
        words = "?" + urlencode(query) if query else ""
        try:
            with urllib.request.urlopen(f"{self.page}{path}{words}", timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    return None
                raise

    def spans(self, services: Sequence[str]) -> list[StoredSpan]:
        """Everything that it holds of these services, each span once."""
        return list({(s.trace_id, s.span_id): s for service in services for s in self._of(service)}.values())

    def raw(self, service: str) -> list[Any]:
        """``resourceSpans`` of a service, as Jaeger writes them."""
        now = datetime.now(UTC)
        query = {
            "query.serviceName": service,
            "query.startTimeMin": (now - timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
            "query.startTimeMax": (now + timedelta(minutes=1)).isoformat().replace("+00:00", "Z"),
            "query.searchDepth": "1000",
        }
        found = self.asked("/api/v3/traces", query)
        return list(found["result"]["resourceSpans"]) if found else []

    def _of(self, service: str) -> Iterator[StoredSpan]:
        return of_otlp(self.raw(service))


@contextmanager
def observatory(home: Path, bootstrap_servers: str) -> Iterator[Observatory]:
    """Until the block ends."""
    found, at = programs(), Addresses.free(ANY_PORTS)
    with Stage(home) as stage:
        said: list[str] = []
        told = start(stage, bootstrap_servers, found, said.append, at)
        assert told.jaeger, said
        assert told.metrics, said
        own, health = f"http://{at.own_metrics}/metrics", f"http://{at.health}"
        yield Observatory(stage, told.environ, told.jaeger, told.metrics, own, health, f"http://{at.otlp_grpc}")
