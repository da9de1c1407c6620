"""Every screen before a broker that doesn't allow it: it says what is missing and who could grant it, and goes on."""

from __future__ import annotations

import pytest

from eventops.bootstrap import Desk
from eventops.config import Context
from eventops.tui.app import Dashboard
from tests.secured.server import SecuredKafka
from tests.tui.stage import shown, type_text, until

NONE_READ = "none in what could be read: see above"

pytestmark = [pytest.mark.broker, pytest.mark.asyncio]


def dashboard(kafka: SecuredKafka, user: str, password: str | None = None) -> tuple[Desk, Dashboard]:
    """As that user."""
    desk = Desk(Context(user, kafka.login(user, password)))
    return desk, Dashboard(desk, refresh=0.5)


@pytest.mark.parametrize("key", ["1", "2", "4", "5"])
async def test_who_may_nothing_is_not_told_that_there_is_nothing(kafka: SecuredKafka, key: str) -> None:
    """Kafka leaves out of its lists what a user may not see, without a word: an empty list says no more than that."""
    desk, app = dashboard(kafka, "stranger")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.press(key)
            await until(
                pilot, lambda: "none that you may see" in shown(pilot) or NONE_READ in shown(pilot), "why it is empty"
            )
            text = shown(pilot)
            for hidden in ("billing", "vault", "orders", "secrets"):
                assert hidden not in text


async def test_a_trace_with_nothing_to_read_is_no_trace_that_is_missing(kafka: SecuredKafka) -> None:
    desk, app = dashboard(kafka, "stranger")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.press("3", "s")
            await type_text(pilot, "req-1")
            await until(pilot, lambda: "none that you may read" in shown(pilot), "that there was nothing to search")
            assert "No event has that" not in shown(pilot)


async def test_who_may_see_some_sees_some_and_what_is_left_out_is_named(kafka: SecuredKafka) -> None:
    desk, app = dashboard(kafka, "outsider")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: "billing" in shown(pilot), "the group it may describe")
            assert "vault" not in shown(pilot)
            await pilot.press("4")
            await until(pilot, lambda: "orders-dlt" in shown(pilot), "the topic of dead letters")
            await until(pilot, lambda: "! not everything" in shown(pilot), "that its letters aren't counted")
            await pilot.press("enter")
            await until(pilot, lambda: "/ orders-dlt" in shown(pilot), "its causes")
            await until(pilot, lambda: NONE_READ in shown(pilot), "why there are none")
            assert "! not everything" in shown(pilot)
            assert "No letters in this topic" not in shown(pilot)


async def test_a_wrong_password_is_told_and_not_waited_for(kafka: SecuredKafka) -> None:
    desk, app = dashboard(kafka, "viewer", password="wrong")
    with desk:
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, lambda: "refuses these credentials" in shown(pilot), "why", 40)
            assert "not known: see above" in shown(pilot)
            assert "nothing known yet" in shown(pilot)
            assert "no answer" not in shown(pilot), "a refusal is one"


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (":dlq orders-dlt/0/0", "READ"),
        (":tail orders", "READ"),
        (":dlq secrets", "DESCRIBE"),
    ],
)
async def test_what_is_refused_is_told_as_a_refusal_with_the_right_that_is_missing(
    kafka: SecuredKafka, way: str, told: str
) -> None:
    desk, app = dashboard(kafka, "outsider")
    with desk:
        async with app.run_test(size=(160, 30)) as pilot:
            await pilot.press("colon")
            await type_text(pilot, way.removeprefix(":"))
            await until(pilot, lambda: "! " in shown(pilot) and told in shown(pilot), "the right that it takes")
            said = next(line for line in shown(pilot).splitlines() if line.strip().startswith("! "))
            assert way.split()[-1].split("/")[0] in said, "the topic"
            assert "no answer" not in shown(pilot)
