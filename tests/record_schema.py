"""The JSON Schema that every record is held to."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parent / "support" / "results_schema_2.json"


def problems(document: Mapping[str, Any]) -> list[str]:
    """What in a record is not as the schema has it, a line each."""
    return [
        f"{error.json_path}: {error.message}" for error in _validator().iter_errors(dict(document))
    ]


def validate(document: Mapping[str, Any]) -> None:
    """Fails the test whose record is not as the schema has it."""
    found = problems(document)
    assert not found, "\n".join(found)


@functools.cache
def _validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)
