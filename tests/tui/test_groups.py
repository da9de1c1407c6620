"""One group on the screen: members, what stands at its offset, and a reset that wants a deliberate yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eventops.events import Partition, Position
from eventops.groups.model import Refusal, ResetReport
from eventops.lag.model import MemberLag
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.lag import GroupPage
from eventops.tui.ledger import LedgerPage
from eventops.tui.letters import LetterPage
from eventops.tui.messages import BrokeOff, ResetTold
from eventops.tui.peek import PeekPage
from eventops.tui.records import RecordPage
from eventops.tui.reset import ResetPage
from eventops.tui.topics import TopicPage
from eventops.tui.trace import TracePage
from eventops.tui.widgets.prompt import Bottom, Prompt
from tests.tui import reports
from tests.tui.stage import answer, answer_all, current, front, go, shown, still, table, type_text, until

pytestmark = pytest.mark.asyncio


async def test_a_group_shows_its_members_and_what_each_has_to_do() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await app.open_group("billing-group")
        await pilot.pause()
        text = shown(pilot)
        assert "worker-1" in text
        assert "orders:0,1" in text
        await app.open_group("audit-group")
        await pilot.pause()
        assert "Nobody is in the group" in shown(pilot)


async def test_enter_is_told_of_only_where_a_member_has_something_to_look_at() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        report = reports.sick_lag()
        found = next(one for one in report.groups if one.group == "billing-group")
        spare = MemberLag("m-9", "worker-9", "10.0.0.9", 0)
        await answer(
            pilot, app.questions.lag, replace(report, groups=(replace(found, members=(*found.members, spare)),))
        )
        await app.open_group("billing-group")
        await until(pilot, lambda: "Enter peek" in shown(pilot), "a partition is under the cursor")
        await pilot.press("tab")
        assert "Enter peek" in shown(pilot)
        await pilot.press("end")
        await until(pilot, lambda: "Enter peek" not in shown(pilot), "the member without a partition")
        await pilot.press("enter")
        assert [one.message for one in app._notifications] == ["nothing to look at: this member has no partition"]
        assert isinstance(app.screen, GroupPage)


async def test_enter_on_a_partition_shows_the_record_that_waits() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await app.open_group("billing-group")
        await pilot.press("enter")
        page = front(app, PeekPage)
        assert page.partition == Partition("orders", 0)
        await answer(pilot, page.watches[0], reports.peek())
        await pilot.pause()
        assert current(app, "records").position.offset == 120, "the next to be consumed is under the cursor"
        text = shown(pilot)
        assert "committed 120" in text
        assert '"orderId": "o-120"' in text, "its payload, laid out"
        assert "1 marker of a transaction" in text
        assert page.command.endswith("groups peek billing-group --topic orders --partition 0 -n 20")
        await pilot.press("up")
        assert '"orderId": "o-119"' in shown(pilot)
        await pilot.press("t")
        assert front(app, TracePage).identifier == "req-119"


@pytest.mark.parametrize(("typed", "said"), [("tomorrow", "is none of earliest"), ("12", "write offset:12 or shift")])
async def test_a_target_that_is_none_is_told(typed: str, said: str) -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await app.open_group("audit-group")
        await pilot.press("R")
        assert "earliest · latest" in shown(pilot)
        await type_text(pilot, typed)
        assert said in shown(pilot)
        assert front(app, GroupPage).query_one(Prompt).value == typed, "it is there to be mended"
        await pilot.press("ctrl+u")
        await type_text(pilot, "earliest")
        assert front(app, ResetPage).command.endswith("--to earliest")


async def test_marked_partitions_are_what_a_reset_is_about() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await app.open_group("billing-group")
        await pilot.press("down", "space")
        assert "1 marked" in shown(pilot)
        await pilot.press("R")
        await type_text(pilot, "earliest")
        assert "--topic orders:1 --to earliest" in front(app, ResetPage).command
        await pilot.press("escape", "escape")
        assert "marked" not in shown(pilot)
        front(app, GroupPage)


@pytest.mark.parametrize(
    ("after", "typed", "is_begun"),
    [(5420, "yes", False), (5420, "audit-group", True), (12, "yes", True), (12, "no", False), (12, "", False)],
)
async def test_what_has_to_be_typed_before_offsets_are_set(after: int, typed: str, is_begun: bool) -> None:
    """A yes for a few records, the group's name where many would be skipped."""
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan(after=after)
        page = ResetPage("audit-group", plan.target, plan=plan)
        begun: list[bool] = []
        page.execute = lambda: begun.append(True)  # type: ignore[method-assign]
        await app.push_screen(page)
        assert "nothing was written yet" in shown(pilot)
        await pilot.press("x")
        assert f"type {'yes' if after == 12 else 'audit-group'} to set the offsets" in shown(pilot)
        await type_text(pilot, typed)
        assert bool(begun) is is_begun
        assert page.phase is (Phase.RUNNING if is_begun else Phase.PLANNED)


@pytest.mark.parametrize(
    ("name", "asked", "typed", "wrong", "why"),
    [
        (" audit", "reset", "reset", "audit", "blanks around it are cut off what is typed"),
        ("audit\t", "reset", "reset", "audit", "no line takes a tab"),
        ("a\x1b[2Jb", "reset", "reset", "a\\x1b[2Jb", "what is shown may be the name of another one"),
        ("a\u00a0b", "reset", "reset", "a b", "it looks like a blank and is none"),
        ("g" * 300, "reset", "reset", "g" * 299, "nobody reads it to its end"),
        ("s\u00f6hne", "s\u00f6hne", "so\u0308hne", "sohne", "one keyboard writes one letter, another two"),
        ("yes", "yes", "yes", "reset", "an ordinary name"),
        ("a b", "a b", "a b", "a  b", "an ordinary name"),
    ],
)
async def test_a_name_that_cannot_be_typed_is_not_asked_for(
    name: str, asked: str, typed: str, wrong: str, why: str
) -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan(name)
        page = ResetPage(name, plan.target, plan=plan)
        begun: list[str] = []
        page.execute = lambda: begun.append(name)  # type: ignore[method-assign]
        await app.push_screen(page)
        for answer in (wrong, typed):
            await pilot.press("x")
            assert f"type {asked} to set the offsets" in shown(pilot), why
            page.query_one(Prompt).value = answer
            await pilot.press("enter")
            assert bool(begun) is (answer == typed), why


@pytest.mark.parametrize(
    "plan",
    [
        reports.reset_plan(members=1),
        reports.reset_plan(refused=(Refusal("orders", 7, "it has partitions 0 to 1"),)),
    ],
)
async def test_what_the_broker_would_refuse_can_not_be_confirmed(plan: object) -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = ResetPage("audit-group", reports.reset_plan().target, plan=plan)  # type: ignore[arg-type]
        await app.push_screen(page)
        await pilot.press("x")
        assert not page.query_one(Bottom).is_asking
        assert "x execute" not in shown(pilot)


async def test_a_reset_ends_with_what_the_broker_holds() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan()
        page = ResetPage("audit-group", plan.target, plan=plan)
        await app.push_screen(page)
        page.post_message(ResetTold(ResetReport(plan, {Partition("orders", 0): 5420})))
        await pilot.pause()
        assert "✓ read back" in shown(pilot)
        assert page.phase is Phase.DONE
        page.post_message(BrokeOff("audit-group has 1 member (worker-1 at 10.0.0.7)"))
        await pilot.pause()
        assert "! audit-group has 1 member" in shown(pilot)


async def test_a_read_only_context_resets_nothing() -> None:
    app = still(read_only=True)
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan()
        page = ResetPage("audit-group", plan.target, plan=plan)
        await app.push_screen(page)
        await pilot.press("x")
        assert "the context prod is read-only" in shown(pilot)
        assert table(app, "moves").rows == plan.moves
        assert not page.query_one(Bottom).is_asking


async def test_a_low_terminal_shows_the_rows_of_the_table_that_has_the_keys() -> None:
    app = still()
    async with app.run_test(size=(40, 12)) as pilot:
        await app.open("lag", GroupPage("billing-group"))
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await pilot.pause()
        text = shown(pilot)
        assert " 2 lag " in text
        assert "/ billing-group" in text, "the way down is seen"
        assert "Members  1" in text
        assert "orders  0" in text
        await pilot.press("tab")
        await pilot.pause()
        text = shown(pilot)
        assert "Partitions  2" in text
        assert "orders  0" not in text
        assert "worker-1" in text


async def test_enter_on_a_record_beside_the_offset_shows_it_whole() -> None:
    app = still()
    async with app.run_test(size=(40, 12)) as pilot:
        page = PeekPage("billing-group", Partition("orders", 0))
        await app.open("lag", page)
        await answer(pilot, page.watches[0], reports.peek())
        await pilot.pause()
        await pilot.press("enter")
        assert front(app, RecordPage).event.position == Position("orders", 0, 120)
        assert "no answer yet" not in shown(pilot), "the log keeps it as it is"


async def test_no_copied_command_of_a_reset_would_write_again() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan()
        page = ResetPage("audit-group", plan.target, plan=plan)
        await app.push_screen(page)
        page.post_message(ResetTold(ResetReport(plan, {Partition("orders", 0): 5420})))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await pilot.press("y")
        assert app.clipboard == "eventops --context prod groups reset audit-group --all-topics --to offset:5420"


async def test_the_command_of_filtered_groups_names_them_and_keeps_the_order() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await go(pilot, app, "2")
        await pilot.press("slash")
        await type_text(pilot, "^(mail|new)-")
        await pilot.press("o")
        await pilot.press("y")
        assert app.clipboard == "eventops --context prod lag --group mail-group --group new-group --sort name"
        await pilot.press("o", "escape", "y")
        assert app.clipboard == "eventops --context prod lag", "no order of the command's"


async def test_marked_partitions_outlast_the_filter() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await app.open_group("billing-group")
        await pilot.press("space", "slash")
        await type_text(pilot, "orders")
        await pilot.press("escape")
        assert "1 marked" in shown(pilot)
        assert "for “" not in shown(pilot)


async def test_marked_partitions_that_the_filter_hides_are_no_reset_of_the_whole_group() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await app.open_group("billing-group")
        await pilot.press("space", "slash")
        await type_text(pilot, "orders/1")
        await until(pilot, lambda: len(table(app, "partitions").rows) < 2, "the filter")
        await pilot.press("R")
        assert "1 marked partition can't be seen" in shown(pilot)
        await type_text(pilot, "earliest")
        front(app, GroupPage)


async def test_a_group_that_nobody_is_in_has_one_verdict_on_all_screens() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        verdict = "✗ inactive"
        await app.open("lag", GroupPage("audit-group"))
        await pilot.pause()
        lines = shown(pilot).splitlines()
        assert len([line for line in lines if verdict in line]) == 2, "the group's facts and its partition"
        assert "behind" not in "".join(line for line in lines if "5,410" in line)
        await app.open("topics", TopicPage("orders"))
        await pilot.pause()
        assert verdict in next(line for line in shown(pilot).splitlines() if "audit-group" in line)


async def test_a_name_like_an_option_is_none_in_the_command() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.carry_out("lag -rf")
        assert front(app, GroupPage).command.endswith("lag -- -rf")
        app.push_screen(PeekPage("-rf", Partition("orders", 0)))
        await pilot.pause()
        assert front(app, PeekPage).command.endswith("groups peek --topic orders --partition 0 -n 20 -- -rf")
        await app.open("dlq", CausesPage("-dlt"))
        assert front(app, CausesPage).command.endswith("dlq groups -- -dlt")
        app.push_screen(LetterPage(Position("-dlt", 0, 7)))
        await pilot.pause()
        assert front(app, LetterPage).command.endswith("dlq show -- -dlt/0/7")
        app.push_screen(LedgerPage("-dlt"))
        await pilot.pause()
        assert front(app, LedgerPage).command.endswith("dlq history -- -dlt")


async def test_where_every_offset_is_at_the_target_nothing_is_offered() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan(after=10)
        page = ResetPage("audit-group", plan.target, plan=plan)
        await app.push_screen(page)
        assert "x execute" not in shown(pilot)
        assert not page.is_ready
        await pilot.press("x", *"yes", "enter")
        await pilot.pause()
        assert page.phase is Phase.PLANNED


async def test_a_reset_that_failed_tells_nothing_of_what_it_did() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan()
        page = ResetPage("audit-group", plan.target, plan=plan)
        await app.push_screen(page)
        await until(pilot, lambda: "5,410 offsets skipped" in shown(pilot), "the plan")
        page.post_message(BrokeOff("nobody answers at kafka-1:9092"))
        await until(pilot, lambda: "it isn't known whether anything was written" in shown(pilot), "what is known")
        assert "offsets skipped" not in shown(pilot)
        assert "handled twice" not in shown(pilot)
        assert "r plan anew" in shown(pilot)


async def test_of_offsets_that_were_refused_nothing_is_counted() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        plan = reports.reset_plan()
        page = ResetPage("audit-group", plan.target, plan=plan)
        await app.push_screen(page)
        page.post_message(ResetTold(ResetReport(plan, {Partition("orders", 0): 10})))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await until(pilot, lambda: "0 offsets skipped" in shown(pilot), "what was read back")
        assert "the broker holds 10" in shown(pilot)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
async def test_a_name_that_no_command_line_carries_is_shown_and_not_copied(name: str) -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.open_group(name)
        await pilot.press("y")
        assert app.clipboard == ""
        assert any("signs that no command line carries" in note.message for note in app._notifications)
        await app.trace(name)
        await pilot.press("y")
        assert app.clipboard == ""
