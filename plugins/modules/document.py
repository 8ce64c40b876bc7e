"""A JSON document that Grindstone leaves on a host: its folder, and all of it or what was there.

One round trip in place of three: `site.yml` has nothing to do most of the times that it runs.
"""

from __future__ import annotations

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.ledger import text, write

DOCUMENTATION = """
module: document
short_description: Keeps a JSON document on a host
description:
  - Writes the document where the file does not hold it yet, to be read by all, with its folder.
  - Where it cannot be written, what was there before stays whole.
author: Grindstone's authors
options:
  path:
    description: The file.
    type: path
    required: true
  content:
    description: What it is to hold.
    type: dict
    required: true
"""

EXAMPLES = """
- name: Leave the plan on the host
  grindstone.grindstone.document:
    path: /etc/grindstone/plan.json
    content: "{{ plan_result.lasting }}"
"""

RETURN = """
path:
  description: The file.
  returned: always
  type: str
"""

FOLDER, FILE = 0o755, 0o644


def differs(path: Path, wanted: str) -> bool:
    """Whether the file holds something else, or not all may read it and only root write."""
    if path.is_symlink() or not path.is_file():
        return True
    status = path.stat()
    mine = (status.st_mode & 0o777, status.st_uid, status.st_gid) == (FILE, 0, 0)
    return text(path) != wanted or not mine


def keep(path: Path, wanted: str) -> None:
    """Writes the file and makes its folder.  Raises OSError, and leaves what was there."""
    if not path.parent.is_dir():
        path.parent.mkdir(FOLDER, parents=True)
        path.parent.chmod(FOLDER)
    write(path, wanted.encode(), FILE, (0, 0))


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "content": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    wanted = json.dumps(module.params["content"], indent=4) + "\n"
    before, changed = text(path), differs(path, wanted)
    if changed and not module.check_mode:
        try:
            keep(path, wanted)
        except OSError as error:
            module.fail_json(
                f"{path} cannot be written: {error.strerror}; make room there, then run the same "
                "command again (what was there before is whole)"
            )
    diff = {
        "before": before,
        "after": wanted,
        "before_header": str(path),
        "after_header": str(path),
    }
    module.exit_json(changed=changed, path=str(path), diff=diff)


if __name__ == "__main__":
    main()
