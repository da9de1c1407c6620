"""``eventops -b HOST:PORT demo``: what it refuses, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventops.config import Context
from eventops.config.secrets import ConfigurationError
from eventops.demo.parts import kafka_of
from tests.cli.running import Shell

DEMO = ("demo", "--headless", "--duration", "5")
READ_ONLY = '[contexts.prod]\n"bootstrap.servers" = "127.0.0.1:1"\n"eventops.read-only" = true\n'


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("-b", "127.0.0.1:1", *DEMO), 3, "127.0.0.1:1"),
        ((*DEMO, "-b", "127.0.0.1:1"), 3, "127.0.0.1:1"),
        (("--context", "prod", *DEMO), 4, "the context prod is read-only"),
        (("-X", "client.id=x", *DEMO), 2, "name it, with -b HOST:PORT or --context NAME"),
    ],
    ids=["nobody answers", "named behind the command", "read-only", "properties of no cluster"],
)
def test_a_cluster_that_cannot_be_used_is_refused(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    (tmp_path / "contexts.toml").write_text(READ_ONLY)
    run = Shell(tmp_path)(*words)
    assert run.returncode == code, run.stderr
    assert says in " ".join(run.stderr.split())
    assert "starting the mail server" not in run.stderr


def test_the_services_are_told_of_the_clusters_properties() -> None:
    properties = {"bootstrap.servers": "a:1,b:2", "security.protocol": "SSL", "ssl.ca.location": "/ca.pem"}
    assert kafka_of(Context("lab", properties)) == {
        "KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2",
        "KAFKA_CLIENT": "security.protocol=SSL,ssl.ca.location=/ca.pem",
    }
    with pytest.raises(ConfigurationError, match=r"sasl.oauthbearer.config has a comma in it"):
        kafka_of(Context("lab", {"bootstrap.servers": "a:1", "sasl.oauthbearer.config": "a=b,c=d"}))
