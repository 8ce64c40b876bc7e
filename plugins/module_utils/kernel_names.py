"""What a kernel's release says: its flavour, and whether it is a realtime kernel."""

from __future__ import annotations

import re

# The version, with the marks of Debian's backports, security updates and rebuilds.
_VERSION = r"^\d+(\.\d+)*(\+(deb\d+|bpo|\d+))*(-0\.(deb|bpo)[\d.]*|-\d+)*(-|$)"
_REALTIME = re.compile(r"(^|[-.])(rt\d*|realtime\d*|preempt-rt)([-.]|$)")


def flavour_of(release: str) -> str:
    """A kernel's flavour by its release, as Debian, Ubuntu, Proxmox and Arch name them.

    >>> [flavour_of(name) for name in ("6.1.0-50-cloud-amd64", "6.18.1-arch1-1", "6.12.60-1-lts")]
    ['cloud-amd64', 'linux', 'linux-lts']
    >>> [flavour_of(name) for name in ("6.12.74+deb13+1-amd64", "6.5.0-0.deb12.4-amd64")]
    ['amd64', 'amd64']
    """
    if re.search(r"-arch\d+-\d+$", release):
        return "linux"
    of_arch = re.search(r"-\d+-(lts|zen|hardened|rt|rt-lts)$", release)
    if of_arch:
        return f"linux-{of_arch.group(1)}"
    return re.sub(_VERSION, "", release)


def is_realtime(release: str, config: str) -> bool:
    """Whether it is built with PREEMPT_RT: by its configuration, else by its name.

    >>> is_realtime("6.1.0-50-rt-amd64", ""), is_realtime("6.8.0-90-lowlatency", "")
    (True, False)
    """
    if config:
        return bool(re.search(r"^CONFIG_PREEMPT_RT=y$", config, re.MULTILINE))
    return bool(_REALTIME.search(release))
