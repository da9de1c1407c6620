"""What a reset aims at, as people write it; no cluster is asked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from eventops.events import Partition
from eventops.groups import targets

NOW: Final = datetime(2026, 1, 15, tzinfo=UTC)


def test_a_plan_at_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell reads what is typed into the dashboard, and none a ``~`` behind ``file:``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "plan.csv").write_text("orders,0,3\n", encoding="utf-8")
    assert targets.target("file:~/plan.csv", "billing", NOW).offsets == {Partition("orders", 0): 3}
    with pytest.raises(ValueError, match="can't be read"):
        targets.target("file:~nobody-of-that-name/plan.csv", "billing", NOW)
