"""The real program on a terminal of its own (a pty)."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

ESCAPES: Final = re.compile(rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b\][^\x07]*\x07")
_LOOKS: Final = re.compile(rb"\x1b\[([0-9;:]*)m")
_COLOUR: Final = re.compile(rb"(^|;)(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;|:|$)")
_KEPT: Final = 1 << 20


class Terminal:
    """A program on a pty, and what it wrote since somebody looked."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str] | None = None, size: tuple[int, int] = (160, 45)
    ) -> None:
        self.started = time.monotonic()
        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        full = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=full, start_new_session=True, close_fds=True
        )
        os.close(theirs)
        self.written = b""

    @property
    def looks(self) -> set[bytes]:
        """The parameters of what sets how text looks (SGR), in what was written."""
        return set(_LOOKS.findall(self.written))

    @property
    def colours(self) -> set[bytes]:
        """Those of them that set a colour."""
        return {one for one in self.looks if _COLOUR.search(one)}

    def resize(self, width: int, height: int) -> None:
        """The terminal's window is another; the program is told by the signal of that."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def press(self, key: str) -> None:
        """A key; what was written before is forgotten."""
        self.press_bytes(key.encode())

    def press_bytes(self, keys: bytes) -> None:
        """Whatever a line may send; what was written before is forgotten."""
        self.read(0.0)
        self.written = b""
        os.write(self._fd, keys)

    @property
    def text(self) -> bytes:
        """What was written, without what moves the cursor and colours."""
        return ESCAPES.sub(b"", self.written)

    def until(self, text: str, seconds: float = 60.0, *, raw: bool = False) -> float:
        """Seconds until it stands in what was written, escapes left out, or (``raw``) with them."""
        began = time.monotonic()
        while text.encode() not in (self.written if raw else self.text):
            assert time.monotonic() - began < seconds, f"no {text!r}: {self.text[-400:]!r}"
            self.read(0.002)
        return time.monotonic() - began

    def rest(self, seconds: float) -> None:
        """Let it work."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(min(left, 0.05))
        self.written = b""

    def megabytes(self) -> float:
        """What it holds in memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def close(self, seconds: float = 10.0) -> int:
        """End it as an operator does: its exit code; the negative number of the signal where that wasn't enough."""
        with suppress(OSError):
            os.write(self._fd, b"\x03")
        return self.ended(seconds)

    def hang_up(self, seconds: float = 15.0) -> int:
        """The line breaks: how the program ends, which nobody tells to; negative where it has to be killed."""
        os.close(self._fd)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def ended(self, seconds: float = 10.0) -> int:
        """The exit code; it is killed where it doesn't end in time."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.05)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        code = self.process.wait()
        self.read(0.1)
        os.close(self._fd)
        return code

    def read(self, seconds: float) -> None:
        """What is there, waiting so long for the first of it."""
        with suppress(OSError):  # the program ended
            while select.select([self._fd], [], [], seconds)[0]:
                self.written = (self.written + os.read(self._fd, 1 << 16))[-_KEPT:]
                seconds = 0.0
