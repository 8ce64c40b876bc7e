"""A command line: what is asked for, and what is printed, with each error in one line."""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A command line that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Says it and ends."""
        self.exit(2, f"{self.prog.removeprefix('./')}: {message} (see {self.prog} --help)\n")


def tell(text: str, who: str) -> bool:
    """Prints it; False where it cannot be written, as to a full disk, which a line says then."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        print(text, flush=True)
    except OSError as error:
        print(f"{who}: the output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left of it
        return False
    return True
