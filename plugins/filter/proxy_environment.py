"""A proxy as the environment variables that programs read."""

from __future__ import annotations

from collections.abc import Callable

DOCUMENTATION = """
name: proxy_environment
short_description: A proxy as environment variables
description: The variables that apt, pip and get_url read, for the keyword C(environment).
author: Grindstone's authors
positional: _input
options:
  _input:
    description: The proxy's URL, empty for none.
    type: str
    required: true
"""

EXAMPLES = """
- name: Download through the proxy
  ansible.builtin.get_url:
    url: https://example.org/a
    dest: /tmp/a
  environment: "{{ 'http://proxy:3128' | grindstone.grindstone.proxy_environment }}"
"""

RETURN = """
_value:
  description: The variables, none where there is no proxy.
  type: dict
"""


def proxy_environment(proxy: str) -> dict[str, str]:
    """`http_proxy` and `https_proxy`, nothing for ""."""
    return {"http_proxy": proxy, "https_proxy": proxy} if proxy else {}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., dict[str, str]]]:
        """What a playbook calls `grindstone.grindstone.proxy_environment`."""
        return {"proxy_environment": proxy_environment}
