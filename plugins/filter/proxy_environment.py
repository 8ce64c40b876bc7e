"""A proxy as the environment variables that programs read."""

from __future__ import annotations

from collections.abc import Callable


def proxy_environment(proxy: str) -> dict[str, str]:
    """`http_proxy` and `https_proxy`, nothing for ""."""
    return {"http_proxy": proxy, "https_proxy": proxy} if proxy else {}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., dict[str, str]]]:
        """What a playbook calls `grindstone.grindstone.proxy_environment`."""
        return {"proxy_environment": proxy_environment}
