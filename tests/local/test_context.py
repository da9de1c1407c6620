from dataclasses import replace
from pathlib import Path

import pytest

from eventops.config import Context, load_contexts, save_context, use_context
from eventops.local.context import publish, withdraw

PROD = Context("prod", {"bootstrap.servers": "kafka:9093"})
HERE = "127.0.0.1:9092"


@pytest.fixture
def contexts(tmp_path: Path) -> Path:
    return tmp_path / "contexts.toml"


def test_it_becomes_the_current_one(contexts: Path) -> None:
    assert publish(contexts, HERE).replaced is None
    known = load_contexts(contexts)
    assert known.current == "local"
    assert known.by_name["local"].bootstrap_servers == HERE


def test_it_gives_back_what_it_replaced(contexts: Path) -> None:
    save_context(contexts, PROD, use=True)
    assert publish(contexts, HERE).replaced == "prod"
    assert publish(contexts, "127.0.0.1:9093").replaced == "prod"  # a second start doesn't forget
    assert withdraw(contexts) == "prod"
    known = load_contexts(contexts)
    assert (known.current, list(known.by_name)) == ("prod", ["prod"])


def test_a_choice_made_since_is_respected(contexts: Path) -> None:
    publish(contexts, HERE)
    save_context(contexts, PROD, use=False)
    use_context(contexts, "prod")
    assert withdraw(contexts) == "prod"


def test_what_it_replaced_may_be_gone(contexts: Path) -> None:
    save_context(contexts, PROD, use=True)
    publish(contexts, HERE)
    contexts.write_text(contexts.read_text().replace("contexts.prod", "contexts.other"))
    assert withdraw(contexts) is None


def test_another_clusters_context_stays(contexts: Path) -> None:
    publish(contexts, HERE)
    assert withdraw(contexts, "127.0.0.1:40000") == "local"
    assert load_contexts(contexts).by_name["local"].bootstrap_servers == HERE


def test_nothing_to_withdraw(contexts: Path) -> None:
    assert withdraw(contexts) is None
    assert not contexts.exists()


def test_what_was_declared_in_it_outlives_another_start(contexts: Path) -> None:
    publish(contexts, HERE)
    before = load_contexts(contexts).by_name["local"]
    save_context(contexts, replace(before, settings={**before.settings, "dlq": {"topics": ["failed-*"]}}), use=True)
    publish(contexts, "127.0.0.1:9093")
    after = load_contexts(contexts).by_name["local"]
    assert (after.bootstrap_servers, after.settings["dlq"]) == ("127.0.0.1:9093", {"topics": ["failed-*"]})
