"""The house stays as its plan draws it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = [path for room in ("eventops", "reference_services") for path in sorted((ROOT / room).rglob("*.py"))]


def test_imports_go_downwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    assert "--index-url" not in lock


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_readable(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert path.stem not in {"utils", "helpers", "manager", "common", "misc"}
    limit = 330
    assert source.count("\n") <= limit, f"{path} has grown past a module one can hold in mind"
    for function in _functions(ast.parse(source)):
        lines = (function.end_lineno or 0) - function.lineno
        docstring = (ast.get_docstring(function) or "").count("\n")
        assert lines - docstring <= 40, f"{path}: {function.name} has {lines} lines"


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
