"""Threads that nobody waits for: a question to a dead broker must not hold up leaving the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any


class Impatient(ThreadPoolExecutor):
    """The event loop's executor: a daemon thread a task, and no joining at the end. Workers are few and only read,
    apart from a replay, whose transactions are whole or not at all."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it in a thread of its own."""
        future: Future[Any] = Future()
        Thread(target=_carry_out, args=(future, fn, args, kwargs), name="eventops-question", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing to wait for."""


def _carry_out(future: Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - handed over to whoever asked
        future.set_exception(error)
    else:
        future.set_result(result)
