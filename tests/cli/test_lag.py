"""``eventops lag`` as a shell runs it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from eventops.events import Partition
from tests.brokers.lab import KafkaLab, eventually, outgoing, settled
from tests.cli.running import ROOT, Shell


def schema(name: str) -> dict[str, Any]:
    """The contract of a command's JSON."""
    found: dict[str, Any] = json.loads((ROOT / f"docs/reference/schemas/{name}.schema.json").read_text())
    return found


@pytest.fixture
def lab(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[KafkaLab]:
    lab = KafkaLab(bootstrap_servers, unique)
    yield lab
    lab.close()


@pytest.fixture
def eventops(bootstrap_servers: str, tmp_path: Path) -> Shell:
    return Shell(tmp_path, bootstrap_servers)


@pytest.fixture
def billing(lab: KafkaLab) -> str:
    """A group three behind on one of its partitions."""
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), *(b"%d" % number for number in range(5)))
    lab.commit(group, {Partition(topic, 0): 2, Partition(topic, 1): 0})
    return group


@pytest.mark.broker
def test_a_snapshot_in_every_form(eventops: Shell, billing: str) -> None:
    table = eventops("lag", billing)
    assert (table.returncode, table.stderr) == (0, "")
    assert billing in table.stdout
    assert "inactive" in table.stdout
    document = json.loads(eventops("lag", "-o", "json", billing).stdout)
    validate(document, schema("lag"))
    told = document["groups"][0]
    assert (told["group"], told["lag"], len(told["partitions"])) == (billing, 3, 2)
    (line,) = eventops("lag", "show", billing, "-o", "ndjson").stdout.splitlines()
    assert json.loads(line)["lag"] == 3
    (row,) = csv.DictReader(io.StringIO(eventops("lag", billing, "-o", "csv").stdout))
    assert (row["group"], row["lag"]) == (billing, "3")


@pytest.mark.broker
def test_all_groups_are_shown_without_a_name(eventops: Shell, billing: str) -> None:
    assert billing in eventops("lag").stdout
    validate(json.loads(eventops("lag", "-o", "json").stdout), schema("lag"))


@pytest.mark.broker
def test_a_group_that_is_not_there_is_met_halfway(eventops: Shell, billing: str) -> None:
    run = eventops("lag", billing[:-1])
    assert (run.returncode, run.stdout) == (1, "")
    assert re.search(f"did you mean .*{billing}", run.stderr)


@pytest.mark.broker
def test_a_missing_group_among_others_makes_a_partial_answer(eventops: Shell, billing: str) -> None:
    run = eventops("lag", billing, "missing")
    assert run.returncode == 5
    assert "not read: missing: no such group" in run.stderr


def test_help_names_both_commands(shell: Shell) -> None:
    help_ = shell("lag", "--help").stdout
    assert "check" in help_
    assert "show" in help_


@pytest.mark.broker
@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("--by", "topic"), [{"topic": "orders", "lag": "3", "partitions": "2"}]),
        (("--by", "member"), [{"client_id": "", "lag": "3", "partitions": "2"}]),
        (("--by", "partition"), [{"partition": "0", "lag": "3"}, {"partition": "1", "lag": "0"}]),
        (("--by", "partition", "--only-lagging"), [{"partition": "0", "lag": "3"}]),
        (("--by", "partition", "--sort", "name", "--top", "1"), [{"partition": "0"}]),
        (("--time", "none"), [{"lag_age_seconds": "", "lag_age_method": "unknown"}]),
        (("--time", "all"), [{"lag_age_method": "message"}]),
        (("--topic", "order*"), [{"lag": "3"}]),
        (("--topic", "/^orders/"), [{"lag": "3"}]),
    ],
)
def test_views(eventops: Shell, billing: str, words: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    run = eventops("lag", billing, *words, "-o", "csv")
    assert run.returncode == 0
    found = list(csv.DictReader(io.StringIO(run.stdout)))
    assert len(found) == len(rows)
    for one, wanted in zip(found, rows, strict=True):
        told = {name: one[name] for name in wanted}
        assert {**told, "topic": "orders"} == {**wanted, "topic": "orders"}
    validate(json.loads(eventops("lag", billing, *words, "-o", "json").stdout), schema("lag"))


@pytest.mark.broker
def test_groups_by_glob_and_regular_expression(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    other = lab.name("shipping")
    lab.commit(other, {Partition(lab.topic("shipments"), 0): 0})
    run = lab.name("")
    for words in ((f"*{run}",), (f"/ing{run}$/",), ("--regex", f"ing{run}$"), ("--group", billing, other)):
        found = [json.loads(line)["group"] for line in eventops("lag", *words, "-o", "ndjson").stdout.splitlines()]
        assert found == [billing, other], words
    only = eventops("lag", f"*{run}", "--topic", "shipments*", "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line)["group"] for line in only] == [other]


@pytest.mark.broker
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nothing-like-it-*",), 1, "no such group: nothing-like-it-*"),
        (("--topic", "nothing-like-it"), 1, "no such topic: nothing-like-it"),
        (("--topic", "/(/"), 2, "/(/ is no regular expression"),
        (("--by", "topic", "--sort", "eta"), 2, "--sort eta is for groups"),
        (("--top", "0"), 2, "--top"),
    ],
)
def test_what_can_not_be_shown(eventops: Shell, billing: str, words: tuple[str, ...], code: int, said: str) -> None:
    run = eventops("lag", *words)
    assert (run.returncode, run.stdout) == (code, "")
    assert said in run.stderr


@pytest.mark.broker
def test_a_topic_that_the_group_does_not_read_is_told(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    other = lab.topic("shipments")
    run = eventops("lag", billing, "--topic", other)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"no group that was asked for reads {other}" in run.stderr


@pytest.mark.broker
def test_names_are_shown_and_never_obeyed(eventops: Shell, lab: KafkaLab) -> None:
    group = lab.name("bill\x1b[2Jing\u202e")
    lab.commit(group, {Partition(lab.topic(), 0): 0})
    for words in (("-o", "table"), ("-o", "json"), ("-o", "ndjson"), ("--by", "member")):
        run = eventops("lag", group, *words)
        assert run.returncode == 0
        assert "\u202e" not in run.stdout
        assert "\x1b" not in run.stdout


@pytest.mark.broker
def test_an_open_transaction_is_told_beside_a_lag_of_nothing(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a", b"b")
    lab.commit(group, {home: 2})
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"c", b"d", b"e"))
    run = eventops("lag", group, environ={"COLUMNS": "200"})
    assert re.search(r"a transaction open for \S+ m?s, holds back 3", run.stdout), run.stdout
    check = eventops("lag", "check", group, "--max-held-back", "0ms")
    assert check.returncode == 1
    assert "a transaction open for " in check.stdout
    assert eventops("lag", "check", group, "--max-held-back", "1h").returncode == 0
    producer.abort()
    producer.close()
    settled(lab.broker, home)
    lab.commit(group, {home: 5})
    check = eventops("lag", "check", group, "--max-held-back", "0ms")
    assert (check.returncode, check.stdout) == (0, f"fine: {group}: 0 behind\n")


@pytest.mark.broker
def test_offsets_that_went_with_their_topic_are_not_called_never_committed(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a")
    lab.commit(group, {home: 1})
    lab.delete(home.topic)
    eventually(lambda: not lab.broker.committed_offsets([group]).offsets.get(group))
    shown = eventops("lag", group, environ={"COLUMNS": "250"}).stdout
    assert "no commit " in shown
    assert "or Kafka dropped them" in shown
    assert "never committed " not in shown.replace("the group never committed,", "")


@pytest.mark.broker
def test_the_shell_completes_groups_topics_and_commands(eventops: Shell, billing: str, bootstrap_servers: str) -> None:
    def offered(words: str) -> list[str]:
        asked = f"eventops -b {bootstrap_servers} {words}"
        number = len(asked.split(" ")) - 1
        environ = {"_EVENTOPS_COMPLETE": "bash_complete", "COMP_WORDS": asked, "COMP_CWORD": str(number)}
        return Shell(Path(eventops.environ["EVENTOPS_HOME"]))(environ=environ).stdout.split()

    told = json.loads(eventops("lag", "-o", "json", billing).stdout)
    topic = str(told["groups"][0]["partitions"][0]["topic"])
    for words in ("lag ", "lag show ", "lag check ", "groups show ", "groups reset "):
        assert f"plain,{billing}" in offered(words + billing[:-2]), words
    assert "plain,check" in offered("lag ")
    assert f"plain,{topic}" in offered(f"lag --topic {topic[:-2]}")
    assert offered(f"lag {billing}-and-no-other") == []


def test_completion_offers_nothing_where_nobody_answers(shell: Shell) -> None:
    words = "eventops -b 127.0.0.1:1 lag b"
    environ = {"_EVENTOPS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"}
    run = shell(environ=environ)
    assert (run.stdout.strip(), run.stderr) == ("", "")


def test_help_without_a_command_tells_the_options_of_show(shell: Shell) -> None:
    told = shell("lag", "--help").stdout
    assert "--only-lagging" in told
    assert "check" in told
