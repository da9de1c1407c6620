"""The demo's processes as they run: started in order, watched, ended together."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from eventops.demo.model import Part, PartFailed
from eventops.local.warded import Warded, end_all
from eventops.wording import safe

READY_SECONDS: Final = 60.0
WATCH_SECONDS: Final = 0.2


class Stage:
    """Parts under a warden each, so that none outlives this process. Use it in a ``with`` block.

    ``ended`` is set when a part ends that wasn't asked to; ``failure`` then says which.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.ended = threading.Event()
        self.failure: PartFailed | None = None
        self._parts: dict[str, Warded] = {}
        self._expected_to_end: set[str] = set()
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._watch_parts, name="demo-watch", daemon=True)

    @property
    def log_files(self) -> dict[str, Path]:
        """Where each part's words are kept."""
        return {name: part.log for name, part in self._parts.items()}

    def start(self, part: Part) -> None:
        """Start a part; it is watched from now on."""
        environ = {**os.environ, **part.environ, "PYTHONUNBUFFERED": "1"}
        command = (sys.executable, "-m", part.module, *part.arguments)
        warded = Warded(command, log=self.logs / f"{part.name}.log", environ=environ)
        self._parts = {**self._parts, part.name: warded.start()}

    def ready(self, name: str, seconds: float = READY_SECONDS) -> Mapping[str, Any]:
        """Wait for the line by which a part says that it is ready, and where.

        Raises:
            PartFailed: it ended, or wasn't ready in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.lines(name):
                if "ready" in line:
                    return line
            if not self._parts[name].alive:
                raise self._failed(name)
            time.sleep(0.05)
        raise PartFailed(f"{name} wasn't ready within {seconds:.0f} s", remedy=f"see {self._parts[name].log}")

    def lines(self, name: str) -> list[Mapping[str, Any]]:
        """The JSON objects in a part's log, a line each."""
        return [found for text in _words(self._parts[name].log) if (found := _json_object(text)) is not None]

    def end(self, name: str) -> None:
        """End one part in good order; what it says in the end is in its log."""
        self._expected_to_end.add(name)
        self._parts[name].terminate()

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._watch.join()
        end_all(list(reversed(self._parts.values())))

    def _watch_parts(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            for name, part in self._parts.items():
                if not part.alive and name not in self._expected_to_end:
                    self.failure = self._failed(name)
                    self.ended.set()
                    return

    def _failed(self, name: str) -> PartFailed:
        part = self._parts[name]
        said = [text for text in _words(part.log) if text.strip()]
        telling = [text for text in said if " ERROR " in text] or said
        last = f' with "{safe(telling[-1].strip(), 300)}"' if telling else ""
        return PartFailed(f"{name} ended (exit code {part.exit_code}){last}", remedy=f"see {part.log}")


def _words(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
