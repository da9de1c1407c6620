"""What is read meanwhile comes back to whoever asks for it, failures included."""

from __future__ import annotations

import threading

import pytest

from eventops.errors import BrokerUnreachable
from eventops.lag.reading import _soon


def test_it_is_read_by_another_thread() -> None:
    assert _soon(threading.get_ident).result(10) != threading.get_ident()


def test_a_failure_is_the_askers() -> None:
    def fails() -> None:
        raise BrokerUnreachable("nobody answers", "start one")

    with pytest.raises(BrokerUnreachable, match="nobody answers"):
        _soon(fails).result(10)
