"""A process of its own that applies a jq expression: an expression may run for ever or take all memory, and nothing in
the process that holds it could stop it. Reads documents from standard input and answers on standard output, each as
its length (4 bytes, big endian) and JSON in UTF-8; the first one is the expression. It ends with its input, and at once
where one document takes too long, whoever is still there.

The answer is ``{"ok": [first result]}`` (empty: there is none), ``{"many": true}`` or ``{"error": "…"}``.
"""

from __future__ import annotations

import contextlib
import json
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, BinaryIO

Document = dict[str, Any]


def serve(source: BinaryIO, sink: BinaryIO, seconds: float, memory: int) -> None:
    """Until there is nothing more to read; ``memory`` bytes at most, ``seconds`` a document."""
    _limit(memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this ends it
    apply = None
    for told in _messages(source):
        _alarm(seconds)
        if apply is None:
            apply, answer = _compiled(json.loads(told))
        else:
            answer = _applied(apply, told)
        _alarm(0)
        raw = json.dumps(answer).encode()
        sink.write(struct.pack(">I", len(raw)) + raw)
        sink.flush()
        if apply is None:
            return


def _compiled(expression: str) -> tuple[Callable[[str], Iterator[object]] | None, Document]:
    import jq

    try:
        program = jq.compile(expression)
    except ValueError as error:
        return None, {"error": str(error)}
    return lambda text: iter(program.input_text(text)), {"ok": []}


def _applied(apply: Callable[[str], Iterator[object]], told: bytes) -> Document:
    """No more than a second result is waited for."""
    try:
        results = list(islice(apply(told.decode()), 2))
    except ValueError as error:
        return {"error": str(error)}
    except (MemoryError, RecursionError):
        return {"error": "its result is too large"}
    return {"many": True} if len(results) > 1 else {"ok": results}


def _messages(source: BinaryIO) -> Iterator[bytes]:
    while len(head := source.read(4)) == 4:
        yield source.read(int.from_bytes(head, "big"))


def _alarm(seconds: float) -> None:
    """Nothing handles it: the system ends the process, though it be in the midst of jq."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit(memory: int) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[1]), int(sys.argv[2]))
