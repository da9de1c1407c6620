"""Names, globs and regular expressions, and the views of one report."""

from __future__ import annotations

from typing import Any

import pytest

from eventops.errors import UsageError
from eventops.lag.history import History
from eventops.lag.model import LagReport
from eventops.lag.views import By, Rows, Sort, View, rows, view_document
from eventops.selecting import is_pattern, matcher
from tests.contracts import keeps_its_contract
from tests.lag.polls import report


@pytest.mark.parametrize(
    ("wanted", "name", "fits", "why"),
    [
        ("billing", "billing", True, "the name itself"),
        ("billing", "billing-2", False, "a name is whole"),
        ("billing-*", "billing-2", True, "a glob"),
        ("billing-*", "my-billing-2", False, "a glob fits the whole name"),
        ("billing-?", "billing-22", False, "one character"),
        ("/ling/", "billing", True, "a regular expression fits anywhere"),
        ("/^ling/", "billing", False, "unless it says where"),
        ("a[1]", "a[1]", True, "a group may be named like a glob"),
        ("/a+/", "/a+/", True, "or like a regular expression"),
        ("Billing*", "billing", False, "Kafka's names tell upper from lower case"),
    ],
)
def test_what_fits(wanted: str, name: str, fits: bool, why: str) -> None:
    assert matcher([wanted])(name) is fits, why


def test_what_is_no_regular_expression_is_a_usage_error() -> None:
    assert is_pattern("/(/")
    with pytest.raises(UsageError, match="no regular expression"):
        matcher(["/(/"])


def many() -> LagReport:
    """billing: 10 and unknown; shipping: 40, nobody there; idle: caught up; none: nothing at all."""
    history = History()
    reports = [
        report(0, (10, 20, 0), (None, 5, 0), group="billing"),
        report(0, (10, 50, 0), group="shipping", held=False),
        report(0, (7, 7, 0), group="idle"),
        report(0, group="none", held=False),
    ]
    groups = tuple(group for one in reports for group in one.groups)
    return history.add(LagReport(reports[0].as_of, "c", groups, reports[0].coverage))


@pytest.mark.parametrize(
    ("view", "names"),
    [
        (View(), ["shipping", "billing", "none", "idle"]),
        (View(sort=Sort.NAME), ["billing", "idle", "none", "shipping"]),
        (View(sort=Sort.LAG), ["shipping", "billing", "none", "idle"]),
        (View(sort=Sort.LAG, top=1), ["shipping"]),
        (View(only_lagging=True), ["shipping", "billing"]),
    ],
)
def test_groups_in_order(view: View, names: list[str]) -> None:
    assert [row["group"] for row in rows(many(), view).rows] == names


def test_top_says_how_many_there_were() -> None:
    assert rows(many(), View(top=1)).found == 4


def test_a_topic_adds_up_what_all_groups_have_to_do_and_is_unknown_where_one_is() -> None:
    (row,) = shown(View(By.TOPIC)).rows
    assert (row["topic"], row["partitions"], row["groups"]) == ("orders", 2, ["billing", "idle", "shipping"])
    assert (row["lag"], row["lag_reason"]) == (
        None,
        "1 of 4 positions without a committed offset; the others are 50 behind",
    )


def test_members_and_what_nobody_holds() -> None:
    found = [(row["group"], row["client_id"], row["partitions"], row["lag"]) for row in shown(View(By.MEMBER)).rows]
    assert found == [("shipping", None, 1, 40), ("billing", "worker-1", 2, None), ("idle", "worker-1", 1, 0)]


def test_partitions_name_their_group() -> None:
    found = [(row["group"], row["partition"], row["lag"]) for row in shown(View(By.PARTITION, Sort.LAG, top=3)).rows]
    assert found == [("shipping", 0, 40), ("billing", 0, 10), ("billing", 1, None)]


def test_never_caught_up_comes_first_by_eta() -> None:
    history = History()
    for second, stuck, moving in ((0, (10, 20, 0), (0, 90, 0)), (10, (10, 30, 0), (50, 100, 0))):
        one, other = report(second, stuck, group="stuck"), report(second, moving, group="moving")
        last = history.add(LagReport(one.as_of, "c", (*other.groups, *one.groups), one.coverage))
    assert [row["group"] for row in rows(last, View(sort=Sort.ETA)).rows] == ["stuck", "moving"]


@pytest.mark.parametrize("by", list(By))
def test_every_view_keeps_its_contract(by: By) -> None:
    view = View(by)
    document: dict[str, Any] = view_document(many(), view, shown(view))
    assert document[f"{by}s"]
    keeps_its_contract(document, "lag")


def shown(view: View) -> Rows:
    return rows(many(), view)
