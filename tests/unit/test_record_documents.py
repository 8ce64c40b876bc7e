"""What tells of the record's shape is made from its types, and as it is made."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from bench.record import codec, schema
from bench.record.measured import Part
from bench.record.model import Record
from tests.conftest import ROOT
from tests.support.records import CPU, H100, failed, record, result, time_to_target

_EXAMPLE = ROOT / "docs" / "record.json"


def test_the_schema_and_the_list_of_members_are_as_they_are_made() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.json_schema()
    assert schema.members() in schema.DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(set(schema.types_in(Record)), key=str))
def test_every_field_has_its_line(kind: type[Part]) -> None:
    assert set(schema.described(kind)) == set(kind.__struct_fields__)


def test_the_example_is_a_record_of_this_schema() -> None:
    example = _EXAMPLE.read_bytes()
    assert codec.encode(codec.decode(example, _EXAMPLE)) == example


def test_the_schema_takes_what_is_written() -> None:
    validator = Draft202012Validator(json.loads(schema.json_schema()))
    Draft202012Validator.check_schema(validator.schema)
    made = record(
        [result(), result("post", H100, share=0.5), failed("mlp", CPU, "killed", dataset=None)],
        [time_to_target()],
    )
    for document in (_EXAMPLE.read_bytes(), codec.encode(made)):
        assert [error.message for error in validator.iter_errors(json.loads(document))] == []
    wrong = json.loads(codec.encode(made))
    wrong["results"][0]["status"] = "lost"
    assert list(validator.iter_errors(wrong))
