"""Which cluster a command works on, and what may be printed of it."""

from pathlib import Path

import pytest

from eventops import config
from eventops.config import ConfigurationError, Context, Contexts

PROD = Context("prod", {"bootstrap.servers": "kafka:9093", "sasl.password": "env:PW"}, {"read-only": True})
FILE = Contexts(Path("contexts.toml"), "prod", {"prod": PROD})


def test_the_current_context_is_taken_when_nothing_is_named() -> None:
    assert config.resolve(FILE, environ={}).bootstrap_servers == "kafka:9093"


def test_options_stand_over_the_environment_and_both_over_the_file() -> None:
    environ = {"EVENTOPS_CONTEXT": "prod", "EVENTOPS_X": "client.id=env,retries=3"}
    context = config.resolve(FILE, properties=["client.id=option"], environ=environ)
    assert context.properties["client.id"] == "option"
    assert context.properties["retries"] == "3"
    assert context.read_only


def test_naming_servers_takes_nothing_from_the_current_context() -> None:
    context = config.resolve(FILE, bootstrap="elsewhere:9092", environ={"PW": "x"})
    assert dict(context.properties) == {"bootstrap.servers": "elsewhere:9092"}
    assert not context.read_only


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"name": "nope"}, "choose one of prod"),
        ({"properties": ["nonsense"]}, "is not property=value"),
    ],
)
def test_what_is_wrong_names_its_remedy(keywords: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        config.resolve(FILE, environ={}, **keywords)  # type: ignore[arg-type]


def test_no_cluster_at_all_names_three_ways_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="eventops local up"):
        config.resolve(config.load_contexts(tmp_path / "none.toml"), environ={})


def test_a_saved_context_is_read_again_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "contexts.toml"
    path.parent.mkdir()
    path.write_text('# mine\n[contexts.old]\n"bootstrap.servers" = "a:1"\n')
    config.save_context(path, PROD, use=True)
    read = config.load_contexts(path)
    assert read.current == "prod"
    assert read.by_name["prod"] == PROD
    assert read.by_name["old"].bootstrap_servers == "a:1"
    assert path.read_text().startswith("# mine\n")
    config.remove_context(path, "prod")
    assert config.load_contexts(path).current is None
    assert [p.name for p in path.parent.iterdir()] == ["contexts.toml"]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "contexts.toml"
    path.write_text("[contexts\n")
    with pytest.raises(ConfigurationError, match="isn't valid TOML"):
        config.load_contexts(path)


def test_secrets_come_from_where_they_are_referred_to(tmp_path: Path) -> None:
    secret = tmp_path / "pw"
    secret.write_text("from-file\n")
    properties = {"a": "env:PW", "b": f"file:{secret}", "c": "plain:text"}
    assert config.with_secrets(properties, {"PW": "from-env"}) == {"a": "from-env", "b": "from-file", "c": "plain:text"}
    with pytest.raises(ConfigurationError, match="isn't set"):
        config.with_secrets({"sasl.password": "env:GONE"}, {})


def test_a_trace_store_may_be_named_for_one_command() -> None:
    context = config.resolve(FILE, properties=["eventops.jaeger=http://j:16686", "client.id=x"], environ={})
    assert context.settings["jaeger"] == "http://j:16686"
    assert "eventops.jaeger" not in context.properties
    assert context.properties["client.id"] == "x"


def test_no_other_setting_of_ours_goes_by_option() -> None:
    """A read-only context stays one."""
    with pytest.raises(config.ConfigurationError, match=r"-X eventops.read-only isn't known: .*eventops.jaeger"):
        config.resolve(FILE, properties=["eventops.read-only=false"], environ={})
