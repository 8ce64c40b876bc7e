"""Explains a text without its host: `python -m plugins.plugin_utils.gpu_doctor --explain FILE`.

The text is data: nothing of it is run, filled in or looked up.
"""

from __future__ import annotations

import argparse
import codecs
import itertools
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..command_line import Parser, tell
from ..typed import InvalidDataError
from . import rows
from .parallel import WorkerLostError
from .pasted import Answer, answer, answer_log, host_of
from .report import explain
from .scan import SHORT

UNKNOWN = 3
_PIECE = 1 << 20
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_PACKED = {b"\x1f\x8b": "zcat", b"\xfd7zXZ": "xzcat", b"BZh": "bzcat", b"(\xb5/\xfd": "zstdcat"}


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 where the text is explained, 3 where it is not known."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = _parser().parse_args(arguments)
    try:
        told, known = _explained(options)
    except OSError as error:
        print(
            f"doctor: {options.explain}: {error.strerror}; give a file, or - for standard input",
            file=sys.stderr,
        )
        return 2
    except (InvalidDataError, ImportError, WorkerLostError) as error:
        print(f"doctor: {error}", file=sys.stderr)
        return 2
    if not tell(told, "doctor"):
        return 2
    return 0 if known else UNKNOWN


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./run doctor",
        usage="%(prog)s [ARGUMENTS of ansible-playbook]\n       %(prog)s --explain FILE [options]",
        description="Says what is wrong with this host and the command that fixes it (playbooks/"
        "doctor.yml; changes nothing). With --explain: what an error's text, or a log of any "
        "length, means.",
    )
    parser.add_argument("--explain", metavar="FILE", required=True, help="a file, or - for stdin")
    parser.add_argument(
        "--system",
        choices=("ubuntu", "debian", "arch"),
        default="",
        help="the system that it is from, where it does not show that itself",
    )
    parser.add_argument(
        "--inside", choices=("container", "wsl"), default="", help="where it was printed"
    )
    return parser


def _explained(options: argparse.Namespace) -> tuple[str, bool]:
    symptoms, languages = rows.symptoms(), rows.languages()
    with _opened(options.explain) as file:
        pieces = _pieces(file)
        start = _start(pieces)
        if tool := next((each for head, each in _PACKED.items() if start.startswith(head)), None):
            raise InvalidDataError(
                f"{options.explain} is compressed; give its text: {tool} FILE | ./run doctor -"
            )
        text = start.decode("utf-8", "replace")
        host = host_of(text, rows.knowledge(), options.system, options.inside)
        rest = next(pieces, b"")
        told: Answer
        if rest or len(start) > SHORT:
            told = answer_log(itertools.chain([start, rest], pieces), host, symptoms, languages)
        else:
            told = answer(text, host, symptoms, languages)
    return explain(text[:SHORT], told), told.known


def _opened(name: str) -> BinaryIO:
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")


def _start(pieces: Iterator[bytes]) -> bytes:
    """Enough to tell a pasted text from a log: a pipe gives what it has."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) > SHORT:
            break
    return start


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The file's bytes, in UTF-8 where PowerShell wrote it in UTF-16."""
    first = file.read(_PIECE)
    wide = _WIDE.get(first[:2])
    if not wide:
        yield first
        yield from iter(lambda: file.read(_PIECE), b"")
        return
    decoder = codecs.getincrementaldecoder(wide)("replace")
    while first:
        yield decoder.decode(first).encode("utf-8", "replace")
        first = file.read(_PIECE)


if __name__ == "__main__":
    sys.exit(main())
