"""Grindstone's command line beside `pytest bench/`: `python -m bench VERB`."""

from __future__ import annotations

import argparse
import sys

from bench.compare import command as compare
from bench.errors import GrindstoneError
from bench.page import command as page
from bench.report import command as show
from bench.runner import command as run
from bench.runner import evidence


def main(arguments: list[str] | None = None) -> int:
    """Runs a verb; 2 and one line on what a person has to mend."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    run.add(verbs)
    show.add(verbs)
    compare.add(verbs)
    page.add(verbs)
    evidence.add(verbs)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except GrindstoneError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
