# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small files that Grindstone leaves on a host: their folders, and all of each or what was there.

One round trip in place of three for each file: `site.yml` has nothing to do most of the times that
it runs.
"""

from __future__ import annotations

DOCUMENTATION = """
module: host_files
short_description: Writes small files on a host
description:
  - Writes each file that does not hold its text yet, to be read by all, with its folder.
  - Where one cannot be written, what was there before stays whole.
author: The Grindstone authors (@grindstone)
options:
  files:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where it lies.
        type: path
        required: true
      content:
        description: What it is to hold, a text, or what is written as JSON.
        type: raw
        required: true
"""

EXAMPLES = """
- name: Write plan.json
  grindstone.grindstone.host_files:
    files:
      - path: /etc/grindstone/plan.json
        content: "{{ plan_result.persisted }}"
"""

RETURN = """
written:
  description: The files that did not hold it yet.
  returned: success
  type: list
  elements: str
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.ledger import text, write

FOLDER = 0o755
FILE = 0o644
FIELDS = {
    "path": {"type": "path", "required": True},
    "content": {"type": "raw", "required": True},
}


def as_text(content: Any) -> str:
    """A text as it is, anything else as JSON."""
    return content if isinstance(content, str) else json.dumps(content, indent=4) + "\n"


def differs(path: Path, wanted: str) -> bool:
    """Whether the file holds something else, or not all may read it and only root write."""
    if path.is_symlink() or not path.is_file():
        return True
    status = path.stat()
    mine = (status.st_mode & 0o777, status.st_uid, status.st_gid) == (FILE, 0, 0)
    return text(path) != wanted or not mine


def why_not(path: Path, error: OSError) -> str:
    """Why the file cannot be written and what to do, in one line."""
    if path.is_dir():
        return f"{path} is a folder, and a file is to lie there: move it away"
    return f"{path} cannot be written: {error.strerror}; make room there"


def keep(path: Path, wanted: str) -> None:
    """Writes the file and makes its folder.  Raises OSError, and leaves what was there."""
    if not path.parent.is_dir():
        path.parent.mkdir(FOLDER, parents=True)
        path.parent.chmod(FOLDER)
    write(path, wanted.encode(), FILE, (0, 0))


def difference(path: Path, wanted: str) -> dict[str, str]:
    """What `--diff` shows."""
    return {
        "before": text(path) if path.is_file() else "",
        "after": wanted,
        "before_header": str(path),
        "after_header": str(path),
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True, "options": FIELDS}
        },
        supports_check_mode=True,
    )
    files = [(Path(file["path"]), as_text(file["content"])) for file in module.params["files"]]
    changed = [(path, wanted) for path, wanted in files if differs(path, wanted)]
    diff = [difference(path, wanted) for path, wanted in changed]
    for path, wanted in changed if not module.check_mode else ():
        try:
            keep(path, wanted)
        except OSError as error:
            module.fail_json(
                f"{why_not(path, error)}, then run the same command again (what was there before "
                "is whole)"
            )
    module.exit_json(changed=bool(changed), written=list(map(str, dict(changed))), diff=diff)


if __name__ == "__main__":
    main()
