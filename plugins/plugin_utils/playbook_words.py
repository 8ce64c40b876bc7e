"""Are these words what ansible-playbook takes?  `./run VERB WORDS` asks before it hands them over.

By itself Ansible answers a mistyped option with all that there are, twice.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from ansible.cli.playbook import PlaybookCLI

_OF_ITS_OWN = {"-h", "--help", "--version"}


def main(words: list[str]) -> int:
    """0 for `VERB FOLDER WORDS` that it takes, files being in the folder; else 2, and a line."""
    verb, folder, *others = words
    if _OF_ITS_OWN & {*others}:
        return 0
    ansible = PlaybookCLI(["ansible-playbook", *others])
    ansible.init_parser()

    def wrong(message: str) -> NoReturn:
        print(f"run {verb}: {message}; ./run {verb} --help lists the options", file=sys.stderr)
        raise SystemExit(2)

    ansible.parser.error = wrong
    for each in ansible.parser.parse_args(["site.yml", *others]).args[1:]:
        if not Path(folder, each).is_file():
            wrong(f"found «{each}»; expected options alone, or another playbook's file")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
