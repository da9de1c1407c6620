"""Every screen before a broker that doesn't allow it: it says what is missing and who could grant it, and goes on."""

from __future__ import annotations

import pytest

from eventops.bootstrap import Desk
from eventops.config import Context
from eventops.tui.app import Dashboard
from tests.secured.server import SecuredKafka
from tests.tui.stage import shown, type_text, until

pytestmark = [pytest.mark.broker, pytest.mark.asyncio]


def dashboard(kafka: SecuredKafka, user: str, password: str | None = None) -> tuple[Desk, Dashboard]:
    """As that user."""
    desk = Desk(Context(user, kafka.login(user, password)))
    return desk, Dashboard(desk, refresh=0.5)


@pytest.mark.parametrize("key", ["1", "2", "4", "5"])
async def test_who_may_nothing_is_told_so_on_each_screen(kafka: SecuredKafka, key: str) -> None:
    desk, app = dashboard(kafka, "stranger")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.press(key)
            await until(pilot, lambda: "asking the cluster" not in shown(pilot), "an answer")
            await until(
                pilot, lambda: "old" in shown(pilot).splitlines()[0] or "authoriz" in shown(pilot), "or a refusal"
            )
            text = shown(pilot)
            print(text)
            assert "billing" not in text
            assert "orders" not in text


async def test_a_trace_that_may_not_be_read_is_told(kafka: SecuredKafka) -> None:
    desk, app = dashboard(kafka, "stranger")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.press("3", "s")
            await type_text(pilot, "req-1")
            await until(pilot, lambda: "looked at" in shown(pilot) or "authoriz" in shown(pilot), "an answer")
            print(shown(pilot))


async def test_who_may_see_some_sees_some_and_is_told_that_there_is_more(kafka: SecuredKafka) -> None:
    desk, app = dashboard(kafka, "outsider")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: "billing" in shown(pilot), "the group it may describe")
            print(shown(pilot))
            assert "vault" not in shown(pilot)
            await pilot.press("4")
            await until(pilot, lambda: "orders-dlt" in shown(pilot) or "authoriz" in shown(pilot), "its letters")
            print(shown(pilot))
            await pilot.press("enter")
            await until(pilot, lambda: "authoriz" in shown(pilot), "that they may not be read")
            print(shown(pilot))


async def test_a_wrong_password_is_told_and_not_waited_for(kafka: SecuredKafka) -> None:
    desk, app = dashboard(kafka, "viewer", password="wrong")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, lambda: "uthentication" in shown(pilot), "why", 40)
            print(shown(pilot))
