"""One line an entry, whoever wrote what is in it."""

from __future__ import annotations

import json
import logging

import pytest

from reference_services.kit.logs import JsonLine, TextLine, about


def record_of(message: str, *arguments: object) -> logging.LogRecord:
    try:
        raise TimeoutError("two\nlines")
    except TimeoutError as error:
        failure = (type(error), error, error.__traceback__)
    return logging.LogRecord("x", logging.WARNING, __file__, 1, message, arguments, failure)


@pytest.mark.parametrize("form", [TextLine("s"), JsonLine("s")], ids=["text", "json"])
def test_an_entry_is_one_harmless_line(form: logging.Formatter) -> None:
    with about("req-1\x1b[2J"):
        line = form.format(record_of("passes over %s", "evil\r\n\x1b]0;title\x07\u202e\ud800"))
    assert line.isprintable()
    assert "req-1" in line
    assert "TimeoutError: two" in line
    line.encode("utf-8")


def test_json_has_its_fields() -> None:
    with about("req-1"):
        entry = json.loads(JsonLine("order-service").format(record_of("hello")))
    assert (entry["service"], entry["level"], entry["message"]) == ("order-service", "WARNING", "hello")
    assert entry["correlationId"] == "req-1"
    assert json.loads(JsonLine("s").format(record_of("hello")))["correlationId"] is None
