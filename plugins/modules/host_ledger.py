# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was on this host before a role changed it, and back to that.

It runs on the host with any Python from 3.8 on.
"""

from __future__ import annotations

DOCUMENTATION = """
module: host_ledger
short_description: Records a host's packages and files, and restores them
description:
  - Keeps the packages of a host, with their marks and holds, and the files that a role is about to
    change in C(/var/lib/grindstone/ledger), so that the role can be rolled back and removed.
  - What others have done to the host after the ledger was closed is not undone.
author: The Grindstone authors (@grindstone)
options:
  name:
    description: The ledger's name, which is the role's.
    type: str
    required: true
  state:
    description:
      - C(open) records what there is now, at the first call; later ones add files, and take
        what others have done since the ledger was closed for what there was.
      - C(closed) records what packages have changed since.
      - C(undone) restores packages and files and removes the ledger.
    type: str
    required: true
    choices: [open, closed, undone]
  files:
    description: The files that the role writes, edits or removes.
    type: list
    elements: path
    default: []
  proxy:
    description: The proxy that packages are reached through.
    type: str
    default: ""
"""

EXAMPLES = """
- name: Record packages and files before the driver is installed
  grindstone.grindstone.host_ledger:
    name: nvidia_driver
    state: open
    files: [/etc/modprobe.d/grindstone.conf]
"""

RETURN = """
was:
  description: What the ledger was, C(absent), C(open) or C(closed).
  returned: always
  type: str
added:
  description: The packages that have come since.
  returned: where it is closed
  type: list
  elements: str
removed:
  description: The packages that have gone since; where it is undone, those that were removed now.
  returned: where it is closed or undone
  type: list
  elements: str
upgraded:
  description: The packages of another version than they had, with C(before) and C(after).
  returned: where it is closed
  type: list
  elements: dict
restored:
  description: The packages and files that are again as they were.
  returned: where it is undone
  type: list
  elements: str
kept:
  description: The packages that stay, for others need them now.
  returned: where it is undone
  type: list
  elements: str
not_restored:
  description: The packages whose old version is not to be had any more.
  returned: where it is undone
  type: list
  elements: str
"""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.ledger import (
    Packages,
    bring_back,
    changes,
    file_entry,
    installed,
    look,
    remove_empty,
    same,
    still_needed,
    without_others,
    write,
)
from ..module_utils.package_manager import ROOT, Apt, Pacman, package_manager
from ..module_utils.passwords import hide_passwords

LEDGERS = Path("/var/lib/grindstone/ledger")
# What a whole ledger holds in each state.
FIELDS = {
    "open": {"packages", "files"},
    "closed": {"packages", "files", "seen", "added", "removed", "upgraded"},
}


def packages_back(host: Apt | Pacman, before: Packages, act: bool) -> dict[str, list[str]]:
    """Brings the packages back, or says what that would come to.  Raises OSError where it fails."""
    now, needs = look(ROOT)
    found = changes(before, now)
    versions = {name: before[name]["version"] for name in found["removed"]}
    versions.update((each["name"], each["before"]) for each in found["upgraded"])
    sources = {name: host.source(name, version) for name, version in versions.items()}
    unlike = {name for name, source in sources.items() if not source}
    for name in unlike & set(found["removed"]):
        sources[name] = host.source(name, "")  # another version is better than none
    back = {name: source for name, source in sources.items() if source}
    added = set(found["added"])
    stay = still_needed(now, needs, added, {name: before[name] for name in back})
    gone = added - stay
    if host.also_goes(gone, list(back.values())):
        unlike |= {name for name in back if name in installed(now)}
        back = {name: source for name, source in back.items() if name not in unlike}
        more = host.also_goes(gone, list(back.values()))
        if more:
            also = ", ".join(sorted(more))
            raise OSError(f"this would also remove {also}: remove or fix that, then run it again")
    if act:
        if gone or back:
            host.settle(gone, list(back.values()))
        host.mark(before)
        now = look(ROOT)[0]
        failed = sorted((gone & installed(now)) | (set(back) - installed(now)))
        if failed:
            raise OSError(f"{', '.join(failed)} could not be brought back: {host.said}")
    restored = [name for name in back if name not in unlike]
    result = {"removed": gone, "restored": restored, "kept": stay, "not_restored": unlike}
    return {key: sorted(value) for key, value in result.items()}


def parsed(path: Path) -> dict[str, Any]:
    """The record in a ledger's file.

    Raises:
        ValueError: the file does not hold a whole one; with what to do.
    """
    record: Any = None
    with suppress(OSError, ValueError, RecursionError):
        record = json.loads(path.read_text(encoding="utf-8"))
    whole = isinstance(record, dict) and set(record) >= FIELDS.get(
        str(record.get("state")), {"none"}
    )
    if not whole:
        raise ValueError(
            f"{path} is damaged, so what was there before is not known any more; to go on without "
            f"it: rm -r {path}, then run the same command again"
        )
    return dict(record)


class Ledger:
    """A ledger's file, and what the module's states do with it; `act` is false in check mode."""

    def __init__(self, name: str, act: bool) -> None:
        self.path = LEDGERS / f"{name}.json"
        self.act = act
        self.record: dict[str, Any] = {}
        if self.path.exists():
            self.record = parsed(self.path)
        self.was = self.record.get("state", "absent")

    def save(self, record: dict[str, Any]) -> bool:
        """Writes the record where it differs, and says whether more than its state does.

        What opens a closed ledger closes it again: that is no change of the host.
        """
        if record != self.record and self.act:
            LEDGERS.mkdir(mode=0o700, parents=True, exist_ok=True)
            LEDGERS.chmod(0o700)
            write(self.path, json.dumps(record).encode(), 0o600)
        return {**record, "state": ""} != {**self.record, "state": ""}

    def before(self, now: Packages) -> Packages:
        """The packages to go back to."""
        before: Packages = self.record.get("packages", now)
        return without_others(before, self.record["seen"], now) if self.was == "closed" else before

    def opened(self, files: list[str]) -> dict[str, Any]:
        """Writes down what there is, and what it is told of later."""
        now = look(ROOT)[0]
        noted = dict(self.record.get("files", {}))
        noted.update((path, file_entry(Path(path))) for path in files if path not in noted)
        record = {**self.record, "state": "open", "packages": self.before(now), "files": noted}
        if self.was == "closed":  # what a run that is cut off has added must not be laid to others
            record["seen"] = now
        return {"changed": self.save(record)}

    def closed(self) -> dict[str, Any]:
        """Writes down what has changed."""
        if self.was == "absent" and self.act:
            raise OSError("there is none to close: open it before the host is changed")
        now = look(ROOT)[0]
        found = changes(self.record.get("packages", now), now)
        record = {**self.record, "state": "closed", "seen": now, **found}
        return {"changed": self.save(record), **found}

    def undone(self, host: Apt | Pacman) -> dict[str, Any]:
        """Brings packages and files back, and removes the ledger."""
        if self.was == "absent":
            none: dict[str, Any] = {"removed": [], "restored": [], "kept": [], "not_restored": []}
            return {"changed": False, **none}
        now = look(ROOT)[0]
        result = packages_back(host, self.before(now), self.act)
        files: dict[str, Any] = self.record["files"]
        result["restored"] += [path for path in files if not same(files[path], Path(path))]
        if self.act:
            for path, entry in files.items():
                bring_back(entry, Path(path))
            self.path.unlink()
            remove_empty(LEDGERS, LEDGERS.parent)
        return {"changed": True, **result}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "required": True, "choices": ["open", "closed", "undone"]},
            "files": {"type": "list", "elements": "path", "default": []},
            "proxy": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    hide_passwords(module, "proxy")
    name, state = module.params["name"], module.params["state"]
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        module.fail_json(msg=f"{name!r} is no ledger's name; expected a role's: a-z, 0-9 and _")
    try:
        ledger = Ledger(name, not module.check_mode)
        if state == "open":
            result = ledger.opened(module.params["files"])
        elif state == "closed":
            result = ledger.closed()
        else:
            result = ledger.undone(package_manager(module.params["proxy"]))
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"ledger {name}: {error}")
    module.exit_json(was=ledger.was, **result)


if __name__ == "__main__":
    main()
