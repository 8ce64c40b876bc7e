# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""A variable's text as it was written: what looks like a template in it is text."""

from __future__ import annotations

DOCUMENTATION = """
name: as_written
author: The Grindstone authors (@grindstone)
short_description: Reads a variable without evaluating it
description:
  - Returns the text of a variable, and evaluates no template in it.  C({{ … }}) in an error that
    somebody pasted stays what it is.
options:
  _terms:
    description: The names of variables; the first that is there and not empty is read.
    required: true
"""

EXAMPLES = """
- name: Say what was pasted
  ansible.builtin.debug:
    msg: "{{ lookup('grindstone.grindstone.as_written', 'doctor_symptom') }}"
"""

RETURN = """
_raw:
  description: The text, "" where none of them is there.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.utils.unsafe_proxy import wrap_var


class LookupModule(LookupBase):  # type: ignore[misc]
    """Ansible's entry point."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **_options: Any
    ) -> list[Any]:
        """The text of the first variable that has one."""
        texts = (str((variables or {}).get(name, "")) for name in terms)
        return [wrap_var(next(filter(None, texts), ""))]
