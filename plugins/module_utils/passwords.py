"""Passwords in addresses: Ansible shows them at no verbosity."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit


def hide_passwords(module: Any, *names: str) -> None:
    """Has Ansible hide the passwords that stand in these parameters, and nothing else of them.

    module: the AnsibleModule.
    """
    for name in names:
        try:
            password = urlsplit(module.params[name] or "").password
        except ValueError:  # it is no address, which whoever uses it will say
            continue
        if password:
            module.no_log_values.update({password, unquote(password)})
