"""The documented JSON of every command, held against what it really prints."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.cli.running import ROOT


def keeps_its_contract(document: Any, name: str) -> None:
    """
    Raises:
        jsonschema.ValidationError: ``document`` isn't what ``docs/reference/schemas/NAME.schema.json`` says.
    """
    schema = json.loads((ROOT / "docs/reference/schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
