# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs packages by apt despite broken sources, waits for its locks, and fails in one line."""

from __future__ import annotations

DOCUMENTATION = """
module: apt_packages
short_description: Installs and removes packages by apt-get
description:
  - Updates the package lists and installs what is not there yet, or removes what is there.
  - A source that cannot be used is named in a warning and passed over, as long as the packages
    come from others; where they do not, it is the cause in the failure's one line. So is a clock
    that is wrong.
  - Where another program holds one of apt's locks, it is waited for, for five minutes; then the
    line names that program.
  - It needs no C(python3-apt).
author: The Grindstone authors (@grindstone)
options:
  name:
    description: The packages, each as C(name) or C(name=version); a version may be a pattern.
    type: list
    elements: str
    default: []
  state:
    description:
      - Whether they are to be there, or to go with their configuration.
      - C(held) and C(released) put them on hold, and take them from it.
    type: str
    choices: [present, absent, held, released]
    default: present
  recommends:
    description: Install what the packages recommend, too.
    type: bool
    default: false
  held:
    description: Change packages that are on hold, too.
    type: bool
    default: false
  update:
    description: Update the package lists where all packages are there, too.
    type: bool
    default: false
  proxy:
    description: The proxy that packages are reached through.
    type: str
    default: ""
"""

EXAMPLES = """
- name: Install missing system packages
  grindstone.grindstone.apt_packages:
    name: [python3-venv]
"""

RETURN = """
packages:
  description: What was installed or removed.
  returned: success
  type: list
  elements: str
"""

import re
from fnmatch import fnmatchcase

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import apt_sources
from ..module_utils.ledger import Packages, installed, look
from ..module_utils.package_manager import ROOT, Apt
from ..module_utils.passwords import hide_passwords

STATES = ("present", "absent", "held", "released")
OPTIONS = ["-y", "-q", "-o", "Dpkg::Options::=--force-confdef"]
OPTIONS += ["-o", "Dpkg::Options::=--force-confold"]


def missing(names: list[str], there: Packages) -> list[str]:
    """Those that are not installed, or in another version; who provides a name counts for it."""
    here = installed(there)
    provided = {name for package in here for name in there[package]["provides"]}
    return [name for name in names if not _fits(name, there, here, provided)]


def _fits(wanted: str, there: Packages, here: set[str], provided: set[str]) -> bool:
    name, _equals, version = wanted.partition("=")
    if name in here:
        return not version or fnmatchcase(there[name]["version"], version)
    return not version and name in provided


def why_not_installed(host: Apt, names: list[str], output: str, updated: str) -> str:
    """Why packages could not be installed, in one line; `updated` is what the update said."""
    lists = apt_sources.problems(updated)
    of_lists = tuple(each.url for each in lists)
    files = [each for each in apt_sources.problems(output) if not each.url.startswith(of_lists)]
    if (lists or files) and apt_sources.lacking(output):
        clock = apt_sources.wrong_clock(updated + output, lists + files, host.proxy)
        found = f"package at {apt_sources.told(files[:2])}"
        if not files:
            found = f"package lists at {apt_sources.told(lists)}"
        return clock or (
            f"found no {found}; expected sources that answer and are signed, for {', '.join(names)}"
        )
    errors = re.findall(r"^(?:E|Error|dpkg: error[^:]*): ?(.+)$", output, re.MULTILINE)
    # apt names what does not fit together only before its error.
    unmet = re.findall(r"^ *(\S+ : (?:Pre)?Depends: .*)$", output, re.MULTILINE)[:1]
    first = list(dict.fromkeys(error.strip().rstrip(".") for error in errors))[:2]
    first += [" ".join(line.split()) for line in unmet]
    return f"{', '.join(names)} could not be installed ({'; '.join(first) or host.said})"


def install(module: AnsibleModule, host: Apt, names: list[str]) -> None:
    """Updates the lists and installs; ends the module where that fails."""
    updated = host.update()
    if host.blocked:
        module.fail_json(msg=host.blocked)
    if names:
        recommends = f"APT::Install-Recommends={str(module.params['recommends']).lower()}"
        held = ["--allow-change-held-packages"] if module.params["held"] else []
        well, output = host.run("apt-get", *OPTIONS, "-o", recommends, *held, "install", *names)
        if not well:
            module.fail_json(msg=host.blocked or why_not_installed(host, names, output, updated))
    for each in apt_sources.problems(updated):
        module.warn(f"{each.url} was passed over: {each.why}")


def concerned(state: str, names: list[str], there: Packages) -> list[str]:
    """Those of the packages that are not in that state."""
    if state == "present":
        return missing(names, there)
    if state == "absent":
        return [name for name in names if name in there]
    hold = state == "held"
    return [name for name in names if name in there and there[name]["hold"] is not hold]


def change(module: AnsibleModule, host: Apt, state: str, names: list[str]) -> None:
    """Removes, holds or releases; ends the module where that fails."""
    commands = {
        "absent": ["apt-get", *OPTIONS, "--allow-change-held-packages", "purge"],
        "held": ["apt-mark", "hold"],
        "released": ["apt-mark", "unhold"],
    }
    if names and not host.run(*commands[state], *names)[0]:
        failed = f"{', '.join(names)} could not be made {state} ({host.said})"
        module.fail_json(msg=host.blocked or failed)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": list(STATES), "default": "present"},
            "recommends": {"type": "bool", "default": False},
            "held": {"type": "bool", "default": False},
            "update": {"type": "bool", "default": False},
            "proxy": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    hide_passwords(module, "proxy")
    host = Apt(module.params["proxy"])
    there = look(ROOT)[0]
    state = module.params["state"]
    names = concerned(state, module.params["name"], there)
    if not module.check_mode:
        if state != "present":
            change(module, host, state, names)
        else:
            given = module.params["name"]
            automatic = [name for name in given if name in there and not there[name]["manual"]]
            if automatic:  # nothing may remove them as needless
                host.run("apt-mark", "manual", *automatic)
            if names or module.params["update"]:
                install(module, host, names)
    module.exit_json(changed=bool(names), packages=names)


if __name__ == "__main__":
    main()
