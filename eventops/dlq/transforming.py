"""``--transform``: what is put back, changed by a jq expression that runs in a process of its own. It is ended with the
planning, whatever it does, and holds neither a terminal nor the memory of this one."""

from __future__ import annotations

import contextlib
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from eventops.dlq import editing, jq_child, revising
from eventops.dlq.literals import Number, dumps, loads
from eventops.dlq.model import Letter
from eventops.dlq.replay_model import Content
from eventops.dlq.request import LeftOut, Revise
from eventops.errors import UsageError
from eventops.wording import plural

SECONDS: Final = 5.0
"""That one letter's transformation may take."""
MEMORY: Final = 2**30
"""Bytes that jq may take."""
MOST_ENDED: Final = 3
"""Letters at which jq had to be ended before the expression is given up."""
_DIGITS: Final = 16
"""Whole numbers of so many digits may be what jq made of a double."""


class _Ended(Exception):
    """The process is gone; the message says what it had done."""


@contextmanager
def by_jq(expression: str, seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[Revise]:
    """Applied to ``{"key", "value", "headers"}`` of each; ``empty`` leaves a letter out. At the end the process is
    ended.

    Raises:
        UsageError: it isn't jq; or, while it is applied, it came to no end again and again.
    """
    child = _Child(expression, seconds, memory)
    ended = 0

    def revise(_letter: Letter, content: Content, _replay_id: str) -> tuple[Content, str | None]:
        nonlocal ended
        document = editing.document(content)
        if not all(number.is_a_double for number in _numbers(document)):
            raise LeftOut("it holds a number of more digits than jq keeps: --edit can change it")
        try:
            answer = child.ask(dumps(document).encode())
        except _Ended as end:
            ended += 1
            if ended >= MOST_ENDED:
                raise UsageError(f"--transform was given up after {plural(ended, 'letter')}: {end}") from end
            raise LeftOut(str(end)) from end
        return revising.as_told(content, _only_result(answer), "transformed")

    try:
        child.start()
        yield revise
    finally:
        child.end()


class _Child:
    """Started when it is needed, and again after it had to end."""

    def __init__(self, expression: str, seconds: float, memory: int) -> None:
        self._expression = expression
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """
        Raises:
            UsageError: the expression isn't jq.
        """
        limits = (str(self._seconds), str(self._memory))
        self._process = subprocess.Popen(
            [sys.executable, "-P", jq_child.__file__, *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            answer = self._answer(dumps(self._expression).encode())
        except _Ended as end:
            raise UsageError(f"--transform isn't an expression that jq can begin with: {end}") from end
        if error := answer.get("error"):
            raise UsageError(
                f"--transform isn't an expression in jq: {_first_line(error).rstrip(': ')}",
                "write it as in '.value.email |= ascii_downcase'",
            )

    def ask(self, document: bytes) -> dict[str, Any]:
        """What the expression makes of it.

        Raises:
            _Ended: it took too long or too much.
        """
        if self._process is None:
            self.start()
        return self._answer(document)

    def end(self) -> None:
        """At once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _answer(self, told: bytes) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise AssertionError("asked before it was started")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(struct.pack(">I", len(told)) + told)
            process.stdin.flush()
        head = process.stdout.read(4)
        raw = process.stdout.read(int.from_bytes(head, "big")) if len(head) == 4 else b""
        if not raw:
            code = process.wait()
            self.end()
            is_late = code == -getattr(signal, "SIGALRM", 0)
            what = f"more than {self._seconds:g} s" if is_late else "too much memory"
            raise _Ended(f"the transformation takes {what} on it")
        try:
            found: dict[str, Any] = loads(raw, _of_jq)
        except ValueError as error:
            raise LeftOut(f"the transformation makes no JSON of it ({error})") from error
        return found


def _only_result(answer: dict[str, Any]) -> object:
    if error := answer.get("error"):
        raise LeftOut(f"the transformation fails on it ({_first_line(error)})")
    if answer.get("many"):
        raise LeftOut("the transformation makes more than one record of it, and one is wanted")
    if not answer["ok"]:
        raise LeftOut("the transformation leaves it out")
    return answer["ok"][0]


def _of_jq(text: str) -> Number:
    """jq counts in doubles, and writes large ones out digit by digit, most of which mean nothing.

    >>> _of_jq("100000000000000000"), _of_jq("1.5")
    (1e+17, 1.5)
    """
    return Number(repr(float(text)) if len(text) > _DIGITS and text.lstrip("-").isdigit() else text)


def _numbers(told: object) -> Iterator[Number]:
    if isinstance(told, dict):
        for value in told.values():
            yield from _numbers(value)
    elif isinstance(told, list):
        for value in told:
            yield from _numbers(value)
    elif isinstance(told, Number):
        yield told


def _first_line(error: str) -> str:
    return error.removeprefix("jq: error: ").split("\n")[0]
