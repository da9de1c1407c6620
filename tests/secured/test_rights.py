"""A user who may see some of it sees that, learns which right is missing for the rest, and the exit code says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AclOperation, ResourceType

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.events import Partition
from eventops.groups.service import GroupService
from eventops.lag.model import AgeMethod, GroupSelection
from eventops.lag.service import LagService
from eventops.ports import Engine, Manner, Range, Sought
from tests.brokers.lab import DEADLINE, KafkaLab, eventually
from tests.contracts import keeps_its_contract
from tests.secured.conftest import EVENT, Users, admin_lab
from tests.secured.server import ADMIN, SecuredKafka

pytestmark = pytest.mark.broker


@pytest.fixture
def lab(kafka: SecuredKafka) -> Iterator[KafkaLab]:
    """The administrator's."""
    with closing(admin_lab(kafka)) as lab:
        yield lab


def test_groups_that_may_be_seen_are_shown_and_the_missing_right_is_named(users: Users) -> None:
    run = users("viewer", "groups", "-o", "json")
    assert run.returncode == 0, run.stderr
    assert [(g["group"], g["topics"]) for g in json.loads(run.stdout)["groups"]] == [("billing", ["orders"])]
    run = users("viewer", "groups", "list", "billing", "hidden", "-o", "json")
    assert run.returncode == 5
    found = json.loads(run.stdout)
    keeps_its_contract(found, "groups-list")
    assert [group["group"] for group in found["groups"]] == ["billing"]
    assert found["coverage"]["gaps"] == [
        {"topic": "hidden", "partition": None, "reason": "not permitted: it takes DESCRIBE on the group"}
    ]


@pytest.mark.parametrize("words", [("show", "hidden"), ("peek", "hidden"), ("list", "hidden")])
def test_a_group_that_may_not_be_seen_is_told_from_one_that_is_not_there(users: Users, words: tuple[str, str]) -> None:
    run = users("viewer", "groups", *words)
    assert (run.returncode, run.stdout) == (4, "")
    assert "the group hidden may not be seen: not permitted: it takes DESCRIBE on the group" in run.stderr


def test_records_take_another_right_than_offsets(users: Users) -> None:
    run = users("outsider", "groups", "peek", "billing", "-o", "json")
    assert run.returncode == 5
    (found,) = json.loads(run.stdout)["partitions"]
    assert (found["committed"], found["start"], found["end"], found["before"], found["after"]) == (1, 0, 2, [], [])
    assert "READ" in found["notes"][-1]
    assert users("viewer", "groups", "peek", "billing").returncode == 0


def test_members_are_shown_though_what_they_read_may_not_be(users: Users, kafka: SecuredKafka, lab: KafkaLab) -> None:
    kafka.allow("outsider", ResourceType.GROUP, "keepers", AclOperation.DESCRIBE)
    with lab.member("keepers", "secrets", client_id="keeper"):
        run = users("outsider", "groups", "show", "keepers", "-o", "json")
        table = users("outsider", "groups", "show", "keepers").stdout
    assert run.returncode == 5
    found = json.loads(run.stdout)
    keeps_its_contract(found, "groups-show")
    assert [member["client_id"] for member in found["members"]] == ["keeper"]
    (place,) = found["partitions"]
    assert (place["topic"], place["committed"], place["end"], place["member"]) == ("secrets", None, None, "keeper")
    assert place["reason"] == "the topic isn't told about: it takes DESCRIBE on it, or it was deleted"
    assert "never" not in table, "nobody knows what it committed"


def test_topics_are_partly_visible(users: Users) -> None:
    run = users("viewer", "topics", "-o", "json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)["topics"]
    assert [(topic["topic"], topic["offsets"], topic["groups"]) for topic in told] == [
        ("orders", 2, ["billing"]),
        ("orders-dlt", 1, []),
    ]
    assert "DescribeConfigs" in told[0]["retention_reason"]
    run = users("viewer", "topics", "show", "secrets")
    assert (run.returncode, run.stdout) == (4, "")
    assert "doesn't tell about the topic secrets: it takes DESCRIBE on it" in run.stderr
    run = users("viewer", "topics", "show", "orders", "-o", "json")
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    keeps_its_contract(found, "topics-show")
    assert (found["config"], [(reader["group"], reader["lag"]) for reader in found["readers"]]) == (
        None,
        [("billing", 1)],
    )


def test_a_reset_takes_read_on_the_group(users: Users, lab: KafkaLab) -> None:
    words = ("groups", "reset", "billing", "--all-topics", "--to", "earliest")
    assert users("viewer", *words).returncode == 0, "a plan only looks"
    run = users("viewer", *words, "--execute")
    assert (run.returncode, run.stdout) == (4, "")
    assert "forbids to set offsets of billing: it takes READ on the group" in run.stderr
    assert dict(lab.broker.committed_offsets(["billing"]).offsets["billing"]) == {Partition("orders", 0): 1}
    run = users("operator", *words, "--execute")
    assert run.returncode == 0, run.stderr
    assert dict(lab.broker.committed_offsets(["billing"]).offsets["billing"]) == {Partition("orders", 0): 0}
    lab.broker.alter_committed_offsets("billing", {Partition("orders", 0): 1})
    for group, why in (("hidden", "DESCRIBE on the group"), ("fresh", "DESCRIBE on the group")):
        run = users("operator", "groups", "reset", group, "--topic", "orders", "--to", "latest", "--create")
        assert (run.returncode, run.stdout) == (4, "")
        assert why in run.stderr


def test_lag_of_some_groups(users: Users) -> None:
    run = users("viewer", "lag", "-o", "json")
    assert run.returncode == 0, run.stderr
    assert [(group["group"], group["lag"]) for group in json.loads(run.stdout)["groups"]] == [("billing", 1)]
    run = users("viewer", "lag", "billing", "hidden")
    assert run.returncode == 5
    assert "not read: hidden: not permitted: it takes DESCRIBE on the group" in run.stderr


def test_lag_of_a_group_that_may_not_be_seen_is_refused(users: Users) -> None:
    for words in (("hidden",), ("check", "hidden", "--max-lag", "5")):
        run = users("viewer", "lag", *words)
        assert (run.returncode, run.stdout) == (4, ""), words
        assert "hidden may not be seen: not permitted: it takes DESCRIBE on the group" in run.stderr


def test_nothing_seen_is_not_called_nothing_there(users: Users) -> None:
    for words in (("lag",), ("groups",)):
        run = users("stranger", *words)
        assert run.returncode == 0
        assert "no consumer groups, or none that this user may see" in run.stderr, words


def test_a_trace_and_letters_where_the_ledger_is_hidden(users: Users) -> None:
    run = users("viewer", "trace", "req-1", "-o", "json")
    found = json.loads(run.stdout)
    (event,) = found["events"]
    assert (event["event_id"], event["deliveries"][0]["status"]) == ("e-1", "dead_lettered"), run.stderr
    hidden = "not permitted: it takes READ on the topic to know what was replayed or written off already"
    assert found["coverage"]["gaps"] == [{"topic": "eventops-ledger", "partition": None, "reason": hidden}]
    assert run.returncode == 5, "whether the letter was put back isn't known"
    assert users("viewer", "trace", "req-1", "--topic", "orders").returncode == 0, "without letters nobody asks for it"
    run = users("outsider", "trace", "req-1")
    assert run.returncode == 5
    assert "not read: orders/0: not permitted" in run.stderr
    run = users("viewer", "dlq", "-o", "json")
    assert run.returncode == 5
    found = json.loads(run.stdout)
    assert [(topic["topic"], topic["total"]) for topic in found["topics"]] == [("orders-dlt", 1)]
    assert [gap["topic"] for gap in found["coverage"]["gaps"]] == ["eventops-ledger"]
    run = users("viewer", "dlq", "show", "orders-dlt/0/0", "-o", "json")
    letter = json.loads(run.stdout)
    assert (run.returncode, letter["state"]) == (5, "open")
    assert letter["state_reason"] == f"as far as is known: the ledger couldn't be read ({hidden})"
    run = users("viewer", "dlq", "replay", "orders-dlt", "--all", "--execute", "--yes")
    assert (run.returncode, run.stdout) == (4, "")
    assert "the topic eventops-ledger" in run.stderr, "nothing is put back without knowing what was"


def test_letters_that_may_not_be_read_are_not_called_none(users: Users) -> None:
    run = users("outsider", "dlq", "-o", "json")
    found = json.loads(run.stdout)
    keeps_its_contract(found, "dlq-list")
    (topic,) = found["topics"]
    assert (run.returncode, topic["topic"], topic["total"], topic["open"]) == (5, "orders-dlt", None, None)
    assert "not permitted" in topic["counts_reason"]
    assert "not permitted" in topic["per_hour_reason"]
    (other,) = [gap for gap in found["coverage"]["gaps"] if gap["topic"] == "orders"]
    assert other["reason"].startswith("not permitted")
    assert other["reason"].endswith(": it may hold letters")
    run = users("outsider", "dlq")
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("orders-dlt")]
    assert (run.returncode, set(line.split()[1:])) == (5, {"?"})


@pytest.mark.parametrize("words", [("groups",), ("topics",), ("lag",), ("trace", "req-1"), ("dlq",)])
def test_a_wrong_password_is_told_by_every_command(users: Users, words: tuple[str, ...]) -> None:
    run = users("viewer", *words, password="wrong")
    assert (run.returncode, run.stdout) == (4, "")
    assert "refuses these credentials" in run.stderr
    assert "wrong" not in run.stderr


def test_a_user_without_any_right_sees_that_there_is_nothing_for_it(users: Users) -> None:
    for words in (("groups", "show", "billing"), ("topics", "show", "orders")):
        run = users("stranger", *words)
        assert (run.returncode, run.stdout) == (4, "")
    assert json.loads(users("stranger", "groups", "-o", "json").stdout)["groups"] == []


LOOKING = (
    ("groups",),
    ("groups", "list", "billing", "nobody"),
    ("groups", "show", "billing"),
    ("groups", "show", "nobody"),
    ("groups", "peek", "billing"),
    ("groups", "reset", "billing", "--all-topics", "--to", "earliest"),
    ("groups", "reset", "nobody", "--topic", "orders", "--to", "latest", "--create"),
    ("topics", "--internal"),
    ("topics", "show", "orders"),
    ("topics", "show", "nowhere"),
    ("lag",),
    ("lag", "billing", "nobody"),
    ("lag", "check", "--max-lag", "5"),
    ("trace", "req-1"),
    ("trace", "req-2", "--topic", "nowhere"),
    ("events", "show", "orders/0/0"),
    ("events", "tail", "--from", "beginning", "-e"),
    ("dlq",),
    ("dlq", "groups", "orders-dlt"),
    ("dlq", "show", "orders-dlt/0/0"),
    ("dlq", "history"),
    ("dlq", "replay", "orders-dlt"),
    ("doctor",),
)


def test_nothing_is_created_or_committed_by_looking(users: Users, lab: KafkaLab) -> None:
    """As the administrator, whom nothing but eventops itself keeps from it, where nobody else is at work."""

    def state() -> dict[str, object]:
        groups = [group.group_id for group in lab.broker.groups().groups]
        topics = lab.broker.topics()
        partitions = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
        offsets = lab.broker.committed_offsets(groups).offsets
        return {
            "groups": groups,
            "topics": topics,
            "offsets": offsets,
            "logs": lab.broker.log_bounds(partitions).bounds,
        }

    before = state()
    assert before["groups"] == ["billing", "hidden", "vault"]
    for words in LOOKING:
        run = users(ADMIN, *words)
        assert run.returncode in (0, 1, 2, 5), (words, run.stderr)
    assert state() == before


def test_what_compaction_left_out_is_told(lab: KafkaLab) -> None:
    """On this broker because its cleaner looks five times a second; elsewhere it takes a quarter of a minute."""
    config = {"cleanup.policy": "compact", "segment.ms": "50", "min.cleanable.dirty.ratio": "0.001"}
    home = Partition(lab.topic("balances", config=config), 0)
    lab.commit("bookkeeping", {home: 1})
    producer = Producer(lab.properties)
    appended: list[int] = []

    def is_compacted() -> bool:
        """The segment that is written to is never compacted: each record begins another one."""
        producer.produce(home.topic, b"%d" % len(appended), key=b"account-1", partition=0)
        assert producer.flush(DEADLINE) == 0
        appended.append(len(appended))
        (found,) = GroupService(lab.broker).peek("bookkeeping", datetime.now(UTC), each=1).partitions
        return bool(found.after) and found.after[0].position.offset > 20

    eventually(is_compacted)
    (found,) = GroupService(lab.broker).peek("bookkeeping", datetime.now(UTC), each=1).partitions
    assert found.before == ()
    assert "aborted or compacted" in found.notes[-1]
    assert found.after[0].value == b"%d" % found.after[0].position.offset
    (group,) = LagService(lab.broker).snapshot(GroupSelection(("bookkeeping",)), datetime.now(UTC)).groups
    assert (group.age.method, group.age.reason) == (AgeMethod.MESSAGE, None), "the record beyond the hole is found"


def test_raw_batches_are_fetched_by_whoever_may_read(kafka: SecuredKafka, lab: KafkaLab) -> None:
    """SCRAM over a socket of our own; where READ is missing, the ordinary consumer's answer is the gap."""
    ranges = [Range(Partition("orders", 0), 0, 2)]
    sought = Sought((EVENT[:12],))
    for user, found, gaps in (("viewer", 2, []), ("outsider", 0, ["orders"])):
        with closing(KafkaBroker(kafka.login(user), timeout=5)) as broker:
            pieces = list(broker.search(sought, ranges, Manner(Engine.SCAN)))
        assert sum(len(piece.records) for piece in pieces) == found, user
        assert [gap.subject for piece in pieces for gap in piece.gaps] == gaps, user
        assert all(piece.fetched for piece in pieces if piece.passed), user


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("dlq", "show", "orders-dlt/0/0"), "orders-dlt/0/0"),
        (("events", "show", "orders/0/1"), "orders/0/1"),
    ],
)
def test_a_record_that_may_not_be_read_is_told_from_one_that_is_not_there(
    users: Users, words: tuple[str, ...], place: str
) -> None:
    run = users("outsider", *words)
    assert (run.returncode, run.stdout) == (4, "")
    assert f"{place} may not be read: it takes DESCRIBE and READ" in run.stderr
    gone = users("outsider", *words[:-1], f"{place[:-1]}7")
    assert "there is no record at" in gone.stderr
