"""Documents as people and jq change them: what nobody touched keeps its bytes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from eventops.dlq import editing
from eventops.dlq.literals import as_before, dumps, loads, same
from eventops.dlq.replay_model import Content

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
texts = st.text().filter(lambda text: text.isprintable()).map(lambda text: json.dumps(text, ensure_ascii=False))
documents = st.recursive(
    numbers | texts | st.sampled_from(["true", "false", "null"]),
    lambda inner: (
        st.lists(inner, max_size=5).map(lambda some: f"[{','.join(some)}]")
        | st.dictionaries(texts, inner, max_size=5).map(
            lambda some: "{" + ",".join(f"{name}:{value}" for name, value in some.items()) + "}"
        )
    ),
    max_leaves=20,
)


@given(documents)
def test_a_document_is_written_as_it_was_read(text: str) -> None:
    assert dumps(loads(text)) == text
    assert same(loads(dumps(loads(text), indent=2)), loads(text))


@given(documents, documents)
def test_numbers_take_their_old_form_and_no_other_value(after: str, before: str) -> None:
    found = as_before(loads(after), loads(before))

    assert same(found, loads(after))
    assert dumps(as_before(loads(before), loads(before))) == before


@given(st.binary() | documents.map(str.encode), st.none() | st.binary())
def test_a_record_that_nobody_changed_stays_as_it_was(value: bytes, key: bytes | None) -> None:
    content = Content(key, value, (("a", b"\xff"), ("b", None)))

    assert editing.changed(content, loads(dumps(editing.document(content), indent=2))) == content
