# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finishes what a run that was interrupted has left to the package manager half done."""

from __future__ import annotations

DOCUMENTATION = """
module: package_repair
short_description: Repairs packages left by an interrupted run
description:
  - Configures what dpkg has only unpacked, and unpacks anew what it has only half unpacked.
  - Removes pacman's lock where no pacman runs, and the entries of its database that it has not
    finished, so that their packages are installed anew.
author: The Grindstone authors (@grindstone)
options:
  proxy:
    description: The proxy that packages are reached through.
    type: str
    default: ""
"""

EXAMPLES = """
- name: Repair packages left by an interrupted run
  grindstone.grindstone.package_repair:
"""

RETURN = """
repaired:
  description: What was half done.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.package_manager import package_manager
from ..module_utils.passwords import hide_passwords


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"proxy": {"type": "str", "default": ""}}, supports_check_mode=True
    )
    hide_passwords(module, "proxy")
    host = package_manager(module.params["proxy"])
    unfinished = host.unfinished()
    if unfinished and not module.check_mode:
        host.repair()
        left = host.unfinished()
        if left:
            module.fail_json(msg=f"{', '.join(left)} could not be repaired: {host.said}")
    module.exit_json(changed=bool(unfinished), repaired=unfinished)


if __name__ == "__main__":
    main()
