"""The way from the alarm to the cure, on a real broker, by keys alone; and what hostile records can't do on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.events import Position
from eventops.groups import targets
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.lag import GroupPage
from eventops.tui.letters import LetterPage
from eventops.tui.replay import ReplayPage
from eventops.tui.reset import ResetPage
from eventops.tui.trace import TracePage
from tests.dlq.workshop import Workshop, replayed, spring_headers
from tests.tui.stage import front, shown, table, type_text, until

pytestmark = [pytest.mark.broker, pytest.mark.asyncio]

HOSTILE = "\x1b[2J\x1b[1;1H\x1b]52;c;cm0gLXJm\x07[bold red]\r\nforged-row ✓ caught up\u202e"


def dashboard(servers: str) -> tuple[Desk, Dashboard]:
    """On the real broker, as the command opens it."""
    desk = Desk(Context("test", {BOOTSTRAP: servers}))
    return desk, Dashboard(desk, refresh=0.5)


def commit(servers: str, group: str, topic: str, offset: int) -> None:
    """A group that has read so far and is gone."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": group, "enable.auto.commit": False})
    try:
        consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    finally:
        consumer.close()


def stands(record: Any) -> int | None:
    """At which offset."""
    return None if record is None else record.position.offset


def desk_offsets(servers: str, group: str) -> dict[tuple[str, int], int]:
    """What the group committed, by another client."""
    admin = AdminClient({"bootstrap.servers": servers})
    [found] = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    return {(one.topic, one.partition): one.offset for one in found.result().topic_partitions}


@pytest.mark.usefixtures("own_ledger")
async def test_from_the_lag_alarm_to_the_trace_to_the_letter_to_the_replay(
    bootstrap_servers: str, workshop: Workshop, unique: Callable[[str], str]
) -> None:
    orders, letters = workshop.orders_with_letters(3)
    group = unique("slow")
    commit(bootstrap_servers, group, orders, 1)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await pilot.press("2", "slash")
            await type_text(pilot, group)
            await until(pilot, lambda: "inactive" in shown(pilot), "the alarm")
            await pilot.press("enter")
            await until(pilot, lambda: table(app, "partitions").current is not None, "its partitions")
            assert front(app, GroupPage).group == group
            await pilot.press("t")
            await until(pilot, lambda: "dead-lettered" in shown(pilot), "the trace")
            assert front(app, TracePage).identifier == f"{orders}-c-1", "the oldest record that waits"
            await pilot.press("d")
            await until(pilot, lambda: "✗ open" in shown(pilot), "the letter")
            assert front(app, LetterPage).position == Position(letters, 0, 1)
            await replay(pilot, app, "1 letter")
            await pilot.press("escape", "r")
            await until(pilot, lambda: "↻ replayed" in shown(pilot), "the letter is solved")
    assert [one.header("eventops-replay-id") is not None for one in workshop.committed(orders)] == [False] * 3 + [True]
    assert len(replayed(workshop.committed(orders))) == 1


@pytest.mark.usefixtures("own_ledger")
async def test_more_than_a_hundred_letters_want_the_topics_name(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, letters = workshop.orders_with_letters(120)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(120, 40)) as pilot:
            await app.open("dlq", CausesPage(letters))
            await until(pilot, lambda: table(app, "causes").current is not None, "the causes")
            await pilot.press("R")
            await until(pilot, lambda: "120  letters to" in shown(pilot), "the plan")
            await pilot.press("x")
            await type_text(pilot, "yes")
            assert front(app, ReplayPage).phase is Phase.PLANNED
            assert len(workshop.committed(orders)) == 120, "nothing was written"
            await pilot.press("x")
            await type_text(pilot, letters)
            await until(pilot, lambda: "120  letters replayed" in shown(pilot), "the replay")
            assert "0  remaining" in shown(pilot)
            await pilot.press("escape", "R")
            await until(pilot, lambda: "120  already replayed" in shown(pilot), "a second plan")
            await pilot.press("x")
            assert front(app, ReplayPage).phase is Phase.PLANNED, "there is nothing to confirm"
    assert len(replayed(workshop.committed(orders))) == 120


async def test_a_group_is_peeked_at_and_put_elsewhere(
    bootstrap_servers: str, workshop: Workshop, unique: Callable[[str], str]
) -> None:
    orders, _ = workshop.orders_with_letters(3)
    group = unique("slow")
    commit(bootstrap_servers, group, orders, 1)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await app.open_group(group)
            await until(pilot, lambda: table(app, "partitions").current is not None, "its partitions")
            await pilot.press("enter")
            await until(pilot, lambda: "committed 1" in shown(pilot), "what stands there")
            await until(pilot, lambda: stands(table(app, "records").current) == 1, "the next record")
            assert f"{orders}-c-1" in shown(pilot)
            await pilot.press("escape", "R")
            await type_text(pilot, "latest")
            await until(pilot, lambda: "2 offsets skipped" in shown(pilot), "the plan")
            await pilot.press("x")
            await type_text(pilot, "yes")
            await until(pilot, lambda: "✓ read back" in shown(pilot), "the proof")
    held = desk_offsets(bootstrap_servers, group)
    assert held == {(orders, 0): 3}


async def test_a_group_whose_name_nobody_can_type_is_put_elsewhere(
    bootstrap_servers: str, workshop: Workshop, unique: Callable[[str], str]
) -> None:
    orders, _ = workshop.orders_with_letters(120)
    group = f"{unique('slow')}\x1b[2J "
    commit(bootstrap_servers, group, orders, 1)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await app.push_screen(ResetPage(group, targets.target("latest", group, desk.now())))
            await until(pilot, lambda: "119 offsets skipped" in shown(pilot), "the plan")
            await pilot.press("x")
            assert "type reset to set the offsets of slow" in shown(pilot)
            await type_text(pilot, "yes")
            assert front(app, ResetPage).phase is Phase.PLANNED
            await pilot.press("x")
            await type_text(pilot, "reset")
            await until(pilot, lambda: "✓ read back" in shown(pilot), "the proof")
    assert desk_offsets(bootstrap_servers, group) == {(orders, 0): 120}


async def test_a_reset_of_a_group_that_is_gone_says_what_would_make_it(
    bootstrap_servers: str, unique: Callable[[str], str]
) -> None:
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(180, 40)) as pilot:
            group = unique("gone")
            await app.push_screen(ResetPage(group, targets.target("latest", group, desk.now())))
            await until(pilot, lambda: "failed" in shown(pilot), "why there is no plan")
            await until(pilot, lambda: f"there is no group '{group}'" in shown(pilot), "the reason")
            assert "which only the command below does, with --create behind it" in shown(pilot)


async def test_hostile_records_are_shown_and_not_obeyed(bootstrap_servers: str, workshop: Workshop) -> None:
    """Everything that a terminal or Rich could obey, in key, value, header, error and stack trace."""
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    headers = spring_headers(Position(orders, 0, 0), group=HOSTILE, cause=HOSTILE, message=HOSTILE)
    workshop.put(letters, [(HOSTILE.encode(), HOSTILE.encode(), (*headers, (HOSTILE, HOSTILE.encode())))])
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 60)) as pilot:
            written: list[str] = []
            assert app._driver is not None
            app._driver.write = written.append  # type: ignore[method-assign, assignment]
            await app.open("dlq", CausesPage(letters))
            await until(pilot, lambda: r"\x1b[2J" in shown(pilot), "the cause, its escapes shown")
            screens = [shown(pilot)]
            await pilot.press("enter")
            await until(pilot, lambda: table(app, "letters").current is not None, "the letter's row")
            screens.append(shown(pilot))
            assert len(table(app, "letters").rows) == 1, "no row is forged"
            await pilot.press("enter")
            await until(
                pilot,
                lambda: "stack trace" in shown(pilot) and "[bold red]" in shown(pilot),
                "the letter, markup as text",
            )
            screens.append(shown(pilot))
            await pilot.press("R")
            await until(pilot, lambda: front(app, ReplayPage).phase is not Phase.PLANNING, "the plan")
            screens.append(shown(pilot))
            await pilot.press("escape", "escape", "y")
            await pilot.pause()
            assert app.clipboard.isprintable()
            for text in screens:
                assert "\x1b" not in text
                assert "\u202e" not in text
                assert not re.search(r"^ ?forged-row", text, re.MULTILINE), "a payload's lines stand inside its block"
            assert not [part for part in written if "\x1b]52;c;cm0gLXJm" in part], "the clipboard isn't the record's"


async def replay(pilot: Any, app: Dashboard, letters: str) -> None:
    """Plan, confirm, done."""
    await pilot.press("R")
    await until(pilot, lambda: "nothing was written yet" in shown(pilot), "the plan")
    await pilot.press("x")
    assert f"type yes to put {letters} of " in shown(pilot)
    await type_text(pilot, "yes")
    await until(pilot, lambda: "1  letter replayed" in shown(pilot), "the replay")
