"""Threads that nobody waits for, and how they share the interpreter with the one that answers keys."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Semaphore, Thread, Timer
from typing import Any, Final

_SWITCH: Final = 0.0005
"""Seconds after which a worker gives way; Python's own 5 ms add up over the steps of one key."""
_YOUNG: Final = (1_000, 1_000_000, 1_000_000)
"""When the collector looks at young objects; at old ones it never does by itself: with fifty thousand partitions in
memory that holds up everything for 140 ms, several times a refresh."""
_ONE_HEAP: Final = (-8, 1)
"""glibc's M_ARENA_MAX, and how many. By itself it gives each of the short-lived threads a heap of its own; a poll of
fifty thousand partitions fills and empties one after the other, none ever gets small again, and all together they grow
by tens of megabytes a minute. Python lets one thread at a time allocate anyway, so one heap costs nothing."""
_QUIET: Final = 0.5
"""Seconds without a key after which nobody is in the middle of typing. Pages that were left stay in memory until a
sweep, a megabyte each: it may not wait for a rest that somebody who goes from page to page all night never takes."""
_OFTEN: Final = 30.0
_AT_LAST: Final = 900.0
_THOROUGHLY: Final = (300.0, 600.0)
"""Seconds from one thorough sweep to the next: once the operator is away, and at last whatever they do."""
_AWAY: Final = 60.0
"""Seconds without a key after which the operator looks elsewhere."""
_PATIENCE: Final = 3.0
"""Seconds to end in, once the terminal is gone, or a signal said so."""
_Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@contextmanager
def responsive() -> Iterator[None]:
    """Keys before figures: workers give way soon, and old objects are looked through when nobody types (`Sweeper`)."""
    _share_one_heap()
    switch, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(_SWITCH)
    gc.set_threshold(*_YOUNG)
    try:
        yield
    finally:
        sys.setswitchinterval(switch)
        gc.set_threshold(*thresholds)


def _share_one_heap() -> None:
    """Where the C library is glibc; others have one heap, or none of its troubles."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(*_ONE_HEAP)


class Sweeper:
    """Collects what young collections left, while nobody types. That walks through all that lives: with fifty thousand
    partitions 130 ms, in which a key would wait. So what outlasted a sweep isn't walked through by the next ones
    (30 ms), but for a thorough one once the operator is away: a page that was on the screen then, and left since,
    stays until that."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = self._thorough_at = self._key_at = clock()
        self._is_first = True

    def key(self) -> None:
        """Somebody typed."""
        self._key_at = self._clock()

    def is_due(self) -> bool:
        """
        >>> now = [0.0]
        >>> sweeper = Sweeper(lambda: now[0])
        >>> now[0] = 31.0; sweeper.is_due()
        True
        >>> sweeper.key(); sweeper.is_due()  # somebody types
        False
        >>> now[0] = 901.0; sweeper.key(); sweeper.is_due()  # without a pause since a quarter of an hour
        True
        """
        now = self._clock()
        since = now - self._last
        return since >= _AT_LAST or (since >= _OFTEN and now - self._key_at >= _QUIET)

    def is_thorough(self) -> bool:
        """Whether the next sweep leaves nothing out.

        >>> now = [0.0]
        >>> sweeper = Sweeper(lambda: now[0])
        >>> now[0] = 301.0; sweeper.is_thorough()
        True
        >>> sweeper.key(); sweeper.is_thorough()
        False
        >>> now[0] = 601.0; sweeper.key(); sweeper.is_thorough()  # they are never away
        True
        """
        now = self._clock()
        since, (away, at_last) = now - self._thorough_at, _THOROUGHLY
        return since >= at_last or (since >= away and now - self._key_at >= _AWAY)

    def sweep(self) -> None:
        """Do it where it is due; the first time what lives is only set apart."""
        if not self.is_due():
            return
        if self.is_thorough():
            gc.unfreeze()
            self._thorough_at = self._clock()
        if not self._is_first:
            gc.collect()
        gc.freeze()
        self._last, self._is_first = self._clock(), False


def watch_for_hangup(leave: Callable[[], object], descriptor: int = 0) -> None:
    """Leave when the terminal is gone (a line that broke, a window that was closed), and end the process where that
    doesn't: what draws waits for ever then, and the thread that reads keys finds nothing without end.

    ``leave`` is called in a thread of its own.
    """

    def wait() -> None:
        gone = select.poll()
        gone.register(descriptor, 0)
        gone.poll()
        leave()
        time.sleep(_PATIENCE)
        os._exit(128 + signal.SIGHUP)

    if os.isatty(descriptor):
        Thread(target=wait, name="eventops-hangup", daemon=True).start()


def end_after_patience(number: int) -> Timer:
    """End the process, as one that died of that signal, where it doesn't leave; to be cancelled where it does."""
    timer = Timer(_PATIENCE, os._exit, (128 + number,))
    timer.daemon = True
    timer.start()
    return timer


class Impatient(ThreadPoolExecutor):
    """The event loop's executor: daemon threads, as many as there is to do at once, and no joining at the end. Workers
    are few and only read, apart from a replay, whose transactions are whole or not at all.

    A thread that has nothing to do takes the next task: to start one is to wait until it runs, which takes as long as
    all that work meanwhile leave it, and no key is answered until then.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        self._idle = Semaphore(0)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it in a thread that has nothing to do, else in a new one: nothing waits for what hangs."""
        future: Future[Any] = Future()
        self._tasks.put((future, fn, args, kwargs))
        if not self._idle.acquire(blocking=False):
            Thread(target=self._serve, name="eventops-question", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing to wait for."""

    def _serve(self) -> None:
        while True:
            _carry_out(*self._tasks.get())
            self._idle.release()


def _carry_out(future: Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - handed over to whoever asked
        future.set_exception(error)
    else:
        future.set_result(result)
