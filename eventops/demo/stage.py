"""The demo's processes as they run: started in order, watched, ended together."""

from __future__ import annotations

import json
import os
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

    ``ended`` is set when a vital part ends that wasn't asked to; ``failure`` then says which. ``losses`` are the words
    about the others that did.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.ended = threading.Event()
        self.failure: PartFailed | None = None
        self.losses: list[str] = []
        self._parts: dict[str, Warded] = {}
        self._spare: set[str] = set()
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
        warded = Warded(part.command, log=self.logs / f"{part.name}.log", environ=environ)
        if not part.is_vital:
            self._spare.add(part.name)
            self._expected_to_end.add(part.name)
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

    def answering(self, name: str, url: str, seconds: float = READY_SECONDS) -> None:
        """Wait until a part answers there with 200; from then on its end is a loss.

        Raises:
            PartFailed: it ended, or didn't in time.
        """
        deadline = time.monotonic() + seconds
        while not _answers(url):
            if not self._parts[name].alive:
                raise self._failed(name)
            if time.monotonic() > deadline:
                raise PartFailed(f"{name} didn't answer within {seconds:.0f} s", remedy=f"see {self._parts[name].log}")
            time.sleep(0.05)
        self._expected_to_end.discard(name)

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
        """End all; the vital parts first: what they tell in the end, somebody takes."""
        self._closing.set()
        self._watch.join()
        for spare in (False, True):
            end_all([part for name, part in reversed(self._parts.items()) if (name in self._spare) is spare])

    def _watch_parts(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            for name, part in self._parts.items():
                if part.alive or name in self._expected_to_end:
                    continue
                failure = self._failed(name)
                if name in self._spare:
                    self._expected_to_end.add(name)
                    self.losses.append(failure.what)
                    continue
                self.failure = failure
                self.ended.set()
                return

    def _failed(self, name: str) -> PartFailed:
        part = self._parts[name]
        said = [text for text in _words(part.log) if text.strip()]
        telling = [text for text in said if " ERROR " in text] or said
        last = f' with "{safe(" ".join(telling[-1].split()), 300)}"' if telling else ""
        return PartFailed(f"{name} ended (exit code {part.exit_code}){last}", remedy=f"see {part.log}")


def _answers(url: str) -> bool:
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 -- an address of this machine
            return bool(answer.status == 200)
    except OSError:
        return False


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
