"""The commands that finish what dpkg has begun, by the state that each package is in.

`dpkg --configure -a` takes only what is wanted as "install" and has to be configured.  What was
being unpacked has to be unpacked again, what is on hold is named, and what was to go has to go
(dpkg(1); enqueue_pending in dpkg's src/main/packages.c).
"""

from __future__ import annotations

from .host_facts import PackageManager

CONFIGURE = "dpkg --configure -a"
REMOVE = "dpkg --remove --force-remove-reinstreq {names}"
REINSTALL = "apt-get install --reinstall {names}"
FINISH = "apt-get -f install"
CONFIGURE_HELD = "dpkg --configure {names}"
_ORDER = (REMOVE, CONFIGURE, CONFIGURE_HELD, REINSTALL, FINISH)


def commands(packages: PackageManager) -> list[str]:
    """What to run, in this order: what is removed by force first, for apt stops at it."""
    names: dict[str, list[str]] = {}
    told = {each.name: each.status.split() for each in packages.unfinished}
    for name in packages.half_installed:
        wanted, error, state = told.get(name) or ["install", "ok", "unpacked"]
        names.setdefault(_command(wanted, error, state), []).append(name)
    return [each.format(names=" ".join(names[each])) for each in _ORDER if each in names]


def _command(wanted: str, error: str, state: str) -> str:
    goes = wanted in ("deinstall", "purge")
    if goes:
        return FINISH if error == "ok" else REMOVE
    if error != "ok" or state == "half-installed":
        return REINSTALL
    return CONFIGURE_HELD if wanted == "hold" else CONFIGURE
