"""A script or a notebook as text: parsed, with what a person calls its lines."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import GrindstoneError, shown, why

# Larger is no script that a person wrote; a notebook holds its pictures, too.
_MOST_BYTES = {".py": 2_000_000, ".ipynb": 100_000_000}
_AWAITS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_OK = re.compile(r"#.*\blint:\s*ok\b(?:\s*\(([^)]*)\))?", re.IGNORECASE)
# What IPython takes besides Python, at a line's begin or behind an assignment.
_MAGIC = re.compile(r"^(\s*)(?:[%!?]|[\w.]+\?+\s*$)|^(\s*[\w, ]+=\s*)[%!]")
# A statement of Python 2, which many a notebook before 2020 is written in.
_PRINT = re.compile(r"^(\s*)print[ \t]+(?![=(,.\[])(.*?\S)(\s+#[^'\"]*)?$", re.MULTILINE)
_OTHER_LANGUAGE = re.compile(
    r"\s*%%(?:bash|sh|script|html|javascript|js|latex|svg|markdown|perl|ruby|writefile|file|cmd)\b"
)


class SourceError(GrindstoneError):
    """A file that cannot be looked at."""


@dataclass(frozen=True)
class Source:
    """A file that was read.

    cells: of a notebook, the first line of each code cell in `tree`.
    left_out: what is wrong with cells that are no Python, a line each.
    allowed: lines with a comment `# lint: ok`, and the rules that it names; all where it is empty.
    """

    path: Path
    tree: ast.Module
    cells: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()
    allowed: dict[int, frozenset[str]] = field(default_factory=dict)

    def where(self, line: int) -> str:
        """`digits.py:12`, or `digits.ipynb: cell 3, line 2`."""
        if not self.cells:
            return f"{shown(self.path)}:{line}"
        return f"{shown(self.path)}: {self.place(line)}"

    def told(self, what: str) -> str:
        """A text with lines in it, of a notebook as its cells have them."""
        if not self.cells:
            return what
        return re.sub(r"\bline (\d+)", lambda found: self.place(int(found[1])), what)

    def place(self, line: int) -> str:
        """`cell 3, line 2`, or `line 12`."""
        if not self.cells:
            return f"line {line}"
        number = sum(first <= line for first in self.cells)
        return f"cell {number}, line {line - self.cells[number - 1] + 1}"

    def allows(self, line: int, rule: str) -> bool:
        """Whether a comment in that line says that a rule's finding is meant."""
        names = self.allowed.get(line)
        return names is not None and (not names or rule in names)


def read(path: Path) -> Source:
    """A file, parsed.

    Raises:
        SourceError: what is wrong with it, in a line.
    """
    content = _bytes(path)
    if path.suffix == ".ipynb":
        return _notebook(path, content)
    try:
        text = _modern(_text(content))
    except (SyntaxError, ValueError) as error:
        raise SourceError(
            f"{shown(path)} is not text, and a Python script is expected: {error}"
        ) from error
    try:
        tree = _parsed(text, lambda line: f"{shown(path)}:{line}")
    except SourceError:
        if path.suffix in (".py", ".pyw", ""):
            raise
        raise SourceError(f"{shown(path)} is no Python file and no notebook; name one") from None
    return Source(path, tree, allowed=_allowed(text))


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError(f"{shown(path)} is a folder; name its Python files or notebooks")
        if path.exists() and not path.is_file():
            raise SourceError(f"{shown(path)} is no ordinary file; name a Python file or notebook")
        most, size = _MOST_BYTES.get(path.suffix, _MOST_BYTES[".py"]), path.stat().st_size
        if size > most:
            raise SourceError(
                f"{shown(path)} has {size / 1e6:,.1f} MB, and at most {most / 1e6:,.0f} MB are "
                "read; name a script"
            )
        return path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"{shown(path)} cannot be read: {why(error)}; name a Python file or notebook"
        ) from error
    except ValueError as error:  # a NUL in its name
        raise SourceError(f"{shown(path)} is no file's name: {error}") from error


def _text(content: bytes) -> str:
    if b"\0" in content:
        raise ValueError("it has NUL bytes")
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return content.decode(encoding)


def _modern(text: str) -> str:
    """The text as Python 3, with as many lines: without magic, and with print as a call."""
    try:
        _compiled(text)
    except SyntaxError:
        return _PRINT.sub(r"\1print(\2)", _without_magic(text))
    except (ValueError, RecursionError, MemoryError):
        return text  # which is said when it is parsed
    return text


def _compiled(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes and the like: what it is not asked for
        return compile(text, "<script>", "exec", _AWAITS, dont_inherit=True)


def _parsed(text: str, where: Any) -> ast.Module:
    try:
        tree = _compiled(text)
    except SyntaxError as error:
        raise SourceError(f"{where(error.lineno or 1)}: SyntaxError: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"{where(1)}: it is no Python: {error}") from error
    assert isinstance(tree, ast.Module)
    return tree


def _allowed(text: str) -> dict[int, frozenset[str]]:
    found = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (ok := _OK.search(token.string)):
                names = (ok[1] or "").split(",")
                found[token.start[0]] = frozenset(each.strip() for each in names if each.strip())
    except (tokenize.TokenError, SyntaxError):
        return found  # it was parsed: what is odd is its last line
    return found


def _notebook(path: Path, content: bytes) -> Source:
    firsts, texts, wrong, line = [], [], [], 1
    for number, text in enumerate(_code_cells(path, content), start=1):
        plain = _modern(_without_magic(_dedented(text)))
        try:
            _parsed(plain, lambda at, n=number: f"{shown(path)}: cell {n}, line {at}")
        except SourceError as error:
            wrong.append(f"{error}; the cell is left out")
            plain = "\n" * plain.count("\n")
        firsts.append(line)
        texts.append(plain)
        line += plain.count("\n") + 1
    if wrong and not any(map(str.strip, texts)):
        raise SourceError(wrong[0].removesuffix("; the cell is left out"))
    joined = "\n".join(texts)
    tree = _parsed(joined, lambda at: f"{shown(path)}: line {at} of its cells")
    return Source(path, tree, tuple(firsts) or (1,), tuple(wrong), _allowed(joined))


def _dedented(text: str) -> str:
    """A cell without the indentation of its first line, as IPython takes it."""
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    return "\n".join(line.removeprefix(indent) for line in text.split("\n")) if indent else text


def _code_cells(path: Path, content: bytes) -> Iterator[str]:
    wrong = f"{shown(path)} is no notebook"
    try:
        book = json.loads(content)
        language = book.get("metadata", {}).get("kernelspec", {}).get("language", "python")
        sheets = book.get("worksheets") or [book]  # of notebooks before 2015
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        texts = [
            "".join(cell["source" if "source" in cell else "input"])
            for cell in cells
            if cell["cell_type"] == "code"
        ]
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{wrong}: it is not JSON ({str(error)[:80]})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{wrong}: it has no cells as Jupyter writes them") from error
    if str(language).lower() != "python":
        raise SourceError(f"{shown(path)} is a notebook in {shown(language)}, not in Python")
    yield from texts


def _without_magic(text: str) -> str:
    """A cell as Python, with as many lines."""
    lines = text.split("\n")
    if _OTHER_LANGUAGE.match(text):
        return "\n" * (len(lines) - 1)
    made, goes_on = [], False
    for line in lines:
        magic = _MAGIC.match(line)
        if goes_on:  # of a shell's command over several lines
            made.append("")
        elif magic:
            made.append(f"{magic[2]}None" if magic[2] else f"{magic[1]}pass")
        else:
            made.append(line)
        goes_on = (goes_on or magic is not None) and line.rstrip().endswith("\\")
    return "\n".join(made)
