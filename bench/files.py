"""Reads a file that a person named, whatever it is: never for ever, nor more than can be meant."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from pathlib import Path


def content(path: Path, most: int) -> bytes:
    """What is in a file of text, without the mark that some editors put before it.

    A pipe that somebody writes into is read to its end, as of `<(ssh host cat run.json)`; one that
    nobody does is empty.

    Raises:
        OSError: it cannot be read, or has more than `most` bytes.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        os.set_blocking(file.fileno(), True)
        too_large = os.fstat(file.fileno()).st_size > most  # a disk may have less than its size
        data = b"" if too_large else file.read(most + 1)
    if too_large or len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most >> 20} MiB")
    return data.removeprefix(codecs.BOM_UTF8)


def open_streams() -> None:
    """Gives this process the streams that it was started without, as by `>&-`: to nowhere.

    Else the next file that is opened has the number of one, and gets what is printed.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            os.set_inheritable(nowhere, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
