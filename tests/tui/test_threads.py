"""The threads behind the screen: none is waited for, and none is started where one has nothing to do."""

from __future__ import annotations

import threading

from eventops.tui.threads import Impatient


def test_a_thread_takes_one_task_after_the_other_and_what_hangs_holds_up_nobody() -> None:
    pool, goes_on = Impatient(), threading.Event()
    hanging = pool.submit(goes_on.wait)
    first = pool.submit(threading.get_ident).result(10)
    assert pool._idle.acquire(timeout=10), "it has nothing to do now"
    pool._idle.release()
    assert pool.submit(threading.get_ident).result(10) == first
    assert not hanging.done()
    goes_on.set()
    assert hanging.result(10)


def test_a_task_that_fails_tells_it_and_its_thread_goes_on() -> None:
    pool = Impatient()
    assert isinstance(pool.submit(lambda: [][0]).exception(10), IndexError)
    assert pool.submit(lambda: "still here").result(10) == "still here"
