"""Changing a host's packages: apt with dpkg, or pacman.

It runs on the host with any Python from 3.8 on.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from . import apt_sources, host_packages
from .ledger import Packages, installed, look, manager

ROOT = Path("/")
WAIT = 300  # s that another program's lock is waited for: a first upgrade takes minutes
PAUSE = 3  # s between two tries
PACMAN_LOCK = ROOT / "var/lib/pacman/db.lck"
APT = ["apt-get", "-y", "-q", "--no-install-recommends", "--allow-downgrades"]
APT += ["--allow-change-held-packages"]
APT += ["-o", "APT::Get::AutomaticRemove=false", "-o", "Dpkg::Options::=--force-confdef"]
APT += ["-o", "Dpkg::Options::=--force-confold"]


# Which lock, and who holds it where apt knows that.
LOCKED = re.compile(
    r"(?:Could not get lock|Unable to lock directory|Unable to acquire the dpkg frontend lock)"
    r" \(?(?P<lock>/[^\s,()]+?)/?[.,)]*(?=\s|$)(?:.*?held by process (?P<holder>\d+ \([^)\n]*\)))?"
    r"|dpkg: error: (?P<dpkg>dpkg[\w ]* lock) was locked by another process with pid (?P<pid>\d+)"
)


class Host:
    """The host's package manager; `said` is the last line that it complained in."""

    def __init__(self, proxy: str) -> None:
        self.proxy = proxy
        self.proxies = {f"{scheme}_proxy": proxy for scheme in ("http", "https")} if proxy else {}
        self.said = ""

    def run(self, *command: str) -> tuple[bool, str]:
        """Whether a command went well, and what it printed."""
        quiet = {"DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"}
        quiet.update(NEEDRESTART_MODE="l", LC_ALL="C")
        done = subprocess.run(
            command,
            env={**os.environ, **self.proxies, **quiet},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        if done.returncode:
            told = re.findall(r"^(?:E|error|dpkg: error[^:]*): ?(.+)$", output, re.MULTILINE)
            lines = [line for line in output.splitlines() if line.strip()]
            self.said = (told or lines[-1:] or ["nothing said"])[0]
        return not done.returncode, output


class Apt(Host):
    """apt, and dpkg where apt is at its end.

    By itself apt waits for dpkg's locks alone, and dpkg for none: not for those of the package
    lists and of the archives, which a host's own upgrade holds after its first boot.
    blocked: a line that names who has held a lock for too long, "" where nobody has.
    """

    blocked = ""

    def run(self, *command: str) -> tuple[bool, str]:
        """As any host's, once more as long as another program holds one of apt's locks."""
        end = time.monotonic() + WAIT
        while True:
            well, output = super().run(*command)
            held = None if well else LOCKED.search(output)
            if not held:
                return well, output
            if time.monotonic() > end:
                self.said = self.blocked = holder(held)
                return well, output
            time.sleep(PAUSE)

    def update(self, anew: bool = False) -> str:
        """Updates the package lists, or fetches them `anew`, and returns what apt said.

        apt takes a list for whole where it has the file and its release has not changed: one that
        a power cut has left empty would stay so.
        """
        for each in apt_sources.LISTS.glob("*_Packages*"):
            if anew or not each.lstat().st_size:
                each.unlink()
        return self.run("apt-get", "-q", "update")[1]

    def source(self, name: str, version: str) -> str:
        """What to ask for to get that version; "" where it is not to be had."""
        listing = self.run("apt-cache", "madison", name)[1]
        rows = [[field.strip() for field in row.split("|")] for row in listing.splitlines()]
        if any(len(row) > 1 and version in ("", row[1]) for row in rows):
            return f"{name}={version}" if version else name
        file = f"{name.split(':')[0]}_{version.replace(':', '%3a')}_*.deb"
        found = sorted(map(str, Path("/var/cache/apt/archives").glob(file))) if version else []
        return found[0] if found else ""

    def transaction(self, gone: set[str], back: list[str]) -> list[str]:
        """One transaction's arguments; a name with a minus is removed."""
        return ["install", *(f"{name}-" for name in sorted(gone)), *back]

    def also_goes(self, gone: set[str], back: list[str]) -> set[str]:
        """What apt would remove beside `gone`."""
        # Its log of plans is written in a simulation as well.
        quietly = ("-s", "-o", "Dir::Log::Planner=/dev/null")
        planned = self.run(*APT, *quietly, *self.transaction(gone, back))[1]
        return set(re.findall(r"^(?:Remv|Purg) (\S+)", planned, re.MULTILINE)) - gone

    def settle(self, gone: set[str], back: list[str]) -> None:
        """Removes and installs, in one go where apt can; what is at fault may be what goes."""
        if not self.run(*APT, *self.transaction(gone, back))[0]:
            here = sorted(gone & installed(look(ROOT)[0]))
            if here:
                self.purge(here)
            self.run("dpkg", "--configure", "-a")
            if back:
                self.run(*APT, *self.transaction(set(), back))
            self.run(*APT, "--no-remove", "-f", "install")

    def unfinished(self) -> list[str]:
        """What an interrupted run has left half done."""
        return host_packages.half_installed(ROOT, host_packages.known(ROOT))

    def repair(self) -> None:
        """Finishes what `unfinished` names, as far as it can be."""
        # What is only half unpacked cannot be configured; apt unpacks it anew, by lists that the
        # interruption may have taken along or cut short.
        self.run("dpkg", "--force-confold", "--configure", "--pending")
        self.update(anew=True)
        self.run(*APT, "-f", "install")

    def purge(self, names: list[str]) -> None:
        """Lets dpkg alone remove them; a script that fails to let go is taken out of its way."""
        forced = ("--force-depends", "--force-remove-reinstreq")
        self.run("dpkg", "--purge", *forced, *names)
        stuck = sorted(set(names) & installed(look(ROOT)[0]))
        if stuck:
            for name in stuck:
                script = Path(f"/var/lib/dpkg/info/{name}.prerm")
                if script.exists():
                    script.unlink()
            self.run("dpkg", "--purge", *forced, *stuck)

    def mark(self, before: Packages) -> None:
        """Purges what configuration is left, and gives marks and holds as they were."""
        now = look(ROOT)[0]
        left = sorted(name for name, each in now.items() if each["residual"] if name not in before)
        if left:
            self.run("dpkg", "--purge", *left)
        for field, words in (("manual", ("auto", "manual")), ("hold", ("unhold", "hold"))):
            for wanted, word in enumerate(words):
                wrong = to_mark(before, now, field, bool(wanted))
                if wrong:
                    self.run("apt-mark", word, *wrong)


def holder(held: re.Match[str]) -> str:
    """Who holds which lock, and for how long it was waited for."""
    lock = held.group("lock") or held.group("dpkg")
    number, _blank, name = (held.group("holder") or held.group("pid") or "").partition(" ")
    who = f"process {number} {name}".strip() if number.strip("0") else "a process out of sight"
    return (
        f"{who} has held {lock} for more than {WAIT // 60} minutes; expected apt to be free: let "
        "that end, then run the same command again"
    )


class Pacman(Host):
    """pacman."""

    def unfinished(self) -> list[str]:
        """What an interrupted run has left half done; pacman takes the half recorded for whole."""
        lock = ["pacman's lock"] if host_packages.locked(ROOT) else []
        return lock + [path.name for path in host_packages.half_recorded(ROOT)]

    def repair(self) -> None:
        """Removes what `unfinished` names: what is missing is installed anew afterwards."""
        if host_packages.locked(ROOT):
            PACMAN_LOCK.unlink()
        for path in host_packages.half_recorded(ROOT):
            shutil.rmtree(path)

    def source(self, name: str, version: str) -> str:
        """The kept package of that version, or the name where any does."""
        cache = Path("/var/cache/pacman/pkg")
        found = sorted(cache.glob(f"{name}-{version}-*.pkg.tar*")) if version else []
        files = [str(path) for path in found if path.suffix != ".sig"]
        if files:
            return files[0]
        well, told = self.run("pacman", "-Si", name)
        offered = re.search(r"^Version +: (\S+)", told, re.MULTILINE)
        return name if well and offered and version in ("", offered.group(1)) else ""

    def also_goes(self, _gone: set[str], _back: list[str]) -> set[str]:
        """Pacman removes nothing that it is not told to."""
        return set()

    def settle(self, gone: set[str], back: list[str]) -> None:
        """Removes and installs; pacman knows no transaction that does both."""
        if host_packages.locked(ROOT):
            PACMAN_LOCK.unlink()
        here = sorted(gone & installed(look(ROOT)[0]))
        if here:
            self.run("pacman", "-Rddn", "--noconfirm", *here)
        files = [each for each in back if each.startswith("/")]
        if files:
            self.run("pacman", "-U", "--noconfirm", *files)
        if len(files) < len(back):
            self.run("pacman", "-S", "--noconfirm", *(each for each in back if each not in files))

    def mark(self, before: Packages) -> None:
        """Gives the reasons of installation as they were."""
        now = look(ROOT)[0]
        for wanted, word in enumerate(("--asdeps", "--asexplicit")):
            wrong = to_mark(before, now, "manual", bool(wanted))
            if wrong:
                self.run("pacman", "-D", word, *wrong)


def to_mark(before: Packages, now: Packages, field: str, wanted: bool) -> list[str]:
    """The installed packages whose mark was `wanted` and is not."""
    both = installed(before) & installed(now)
    return sorted(n for n in both if before[n][field] is wanted and now[n][field] is not wanted)


def package_manager(proxy: str) -> Apt | Pacman:
    """The one that this host has; packages are reached through the proxy, "" for none."""
    return Pacman(proxy) if manager(ROOT) == "pacman" else Apt(proxy)
