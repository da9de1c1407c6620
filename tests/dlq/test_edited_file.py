"""The file that an editor left, as somebody names it who types where no shell reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eventops.dlq import edited_file
from eventops.errors import UsageError
from eventops.events import Position


def test_a_file_at_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    document = {"letter": "users-dlt/0/7", "content": "c", "value": {"total": 6}}
    (tmp_path / "edited.json").write_text(json.dumps([document]), encoding="utf-8")
    assert list(edited_file.of_topic("~/edited.json", "users-dlt")) == [Position("users-dlt", 0, 7)]


def test_a_home_of_nobody_is_a_mistake_and_no_defect() -> None:
    with pytest.raises(UsageError, match="can't be read as text"):
        edited_file.of_topic("~nobody-of-that-name/edited.json", "users-dlt")
