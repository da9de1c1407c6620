"""Numbers that nobody means are refused before any cluster is asked."""

from __future__ import annotations

import pytest

from tests.cli.running import Shell

_NINES = "9" * 400


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("dashboard --refresh 1e-300", "0.5<=x<=300"),
        ("dashboard --refresh nan", "nan is no number that something lasts or counts"),
        ("dashboard --refresh 1e300", "0.5<=x<=300"),
        ("dlq replay x --all --rate 1e-300", "0.01<=x<=1000000"),
        ("dlq replay x --all --rate inf", "0.01<=x<=1000000"),
        ("dlq replay x --all --ramp --ramp-wait 1e300", "0<=x<=86400"),
        ("dlq replay x --all --ramp --ramp-settle 1e-300", "1e-300 is no number that something lasts or counts"),
        ("dlq replay x --all --max-attempts 1001", "1<=x<=1000"),
        ("trace x --follow --quiet 1e300", "1e300 is no number that something lasts or counts"),
        (f"trace x --max-bytes {_NINES}G", "is no size; write 500MB or 2G"),
        (f"lag check --max-age {_NINES}s", "is longer than thirty years"),
        ("lag --watch 99999999999d", "is longer than thirty years"),
        (f"groups reset g --all-topics --to offset:{'9' * 5000}", "is none of earliest, latest, offset:123"),
    ],
)
def test_a_number_that_nobody_means_is_refused(shell: Shell, arguments: str, says: str) -> None:
    run = shell("-b", "127.0.0.1:1", *arguments.split())
    assert run.returncode == 2, run.stderr
    assert says in " ".join(run.stderr.split())
