"""Whatever an error is, a person reads a line of words, and no bare name of a class."""

from __future__ import annotations

import errno
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import in_words, unforeseen, why


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("3 requested and 1 written"), "3 requested and 1 written"),
        (OSError(), "the system does not say why"),
        (TimeoutError(), "the system does not say why"),
    ],
)
def test_a_system_error_has_words_whatever_it_carries(error: OSError, told: str) -> None:
    assert why(error) == told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EIO, "Input/output error", "/a\nb"), "/a\\nb: Input/output error"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (ValueError("two\nlines"), "ValueError: two lines"),
        (AssertionError(), "an error without a text (AssertionError)"),
        (OSError(), "an error without a text (OSError)"),
        (MemoryError(), "this machine has no memory left for it: close other programs"),
    ],
)
def test_any_error_is_told_in_words(error: Exception, told: str) -> None:
    assert in_words(error).startswith(told)


@given(
    st.sampled_from([OSError, ValueError, KeyError, RuntimeError, EOFError]),
    st.lists(st.text() | st.integers(), max_size=4),
)
def test_it_is_one_printable_line_and_never_the_class_alone(
    kind: type[Exception], arguments: list[str | int]
) -> None:
    def raised() -> Exception:
        try:
            raise kind(*arguments)
        except Exception as error:
            return error

    for told in (in_words(raised()), unforeseen(raised())):
        assert told.isprintable()
        assert not re.fullmatch(r"\w*Error:? ?(\(at .*\))?", told)
