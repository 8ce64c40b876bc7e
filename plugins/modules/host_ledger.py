"""What was on this host before a role changed it, and back to that.

It runs on the host with any Python from 3.8 on.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import host_packages
from ..module_utils.ledger import (
    Packages,
    bring_back,
    changes,
    file_entry,
    installed,
    kept,
    look,
    manager,
    remove_empty,
    same,
    without_others,
    write,
)

DOCUMENTATION = """
module: host_ledger
short_description: Writes down what a host has, and brings that back
description:
  - Keeps the packages of a host, with their marks and holds, and the files that a role is about to
    change in C(/var/lib/grindstone/ledger), so that the role can be rolled back and removed.
  - What others have done to the host after the ledger was closed is not undone.
author: Grindstone's authors
options:
  name:
    description: The ledger's name, which is the role's.
    type: str
    required: true
  state:
    description:
      - C(open) writes down what there is now, at the first call; later ones add files, and take
        what others have done since the ledger was closed for what there was.
      - C(closed) writes down what packages have changed since.
      - C(undone) brings packages and files back and removes the ledger.
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
- name: Write down what there is before the driver is installed
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

ROOT = Path("/")
LEDGERS = Path("/var/lib/grindstone/ledger")
APT = ["apt-get", "-y", "-q", "--no-install-recommends", "--allow-downgrades"]
APT += ["--allow-change-held-packages", "-o", "DPkg::Lock::Timeout=300"]
APT += ["-o", "APT::Get::AutomaticRemove=false", "-o", "Dpkg::Options::=--force-confdef"]
APT += ["-o", "Dpkg::Options::=--force-confold"]


class Host:
    """The host's package manager; `said` is the last line that it complained in."""

    def __init__(self, proxy: str) -> None:
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
    """apt, and dpkg where apt is at its end."""

    def source(self, name: str, version: str) -> str:
        """What to ask for to get that version; "" where it is not to be had."""
        _, listing = self.run("apt-cache", "madison", name)
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
        _, planned = self.run(*APT, *quietly, *self.transaction(gone, back))
        return set(re.findall(r"^(?:Remv|Purg) (\S+)", planned, re.MULTILINE)) - gone

    def settle(self, gone: set[str], back: list[str]) -> None:
        """Removes and installs, in one go where apt can; what is at fault may be what goes."""
        well, _ = self.run(*APT, *self.transaction(gone, back))
        if not well:
            here = sorted(gone & installed(look(ROOT)[0]))
            if here:
                self.purge(here)
            self.run("dpkg", "--configure", "-a")
            if back:
                self.run(*APT, *self.transaction(set(), back))
            self.run(*APT, "--no-remove", "-f", "install")

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
        now, _ = look(ROOT)
        left = sorted(name for name, each in now.items() if each["residual"] if name not in before)
        if left:
            self.run("dpkg", "--purge", *left)
        for field, words in (("manual", ("auto", "manual")), ("hold", ("unhold", "hold"))):
            for wanted, word in enumerate(words):
                wrong = to_mark(before, now, field, bool(wanted))
                if wrong:
                    self.run("apt-mark", word, *wrong)


class Pacman(Host):
    """pacman."""

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
            Path("/var/lib/pacman/db.lck").unlink()
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
        now, _ = look(ROOT)
        for wanted, word in enumerate(("--asdeps", "--asexplicit")):
            wrong = to_mark(before, now, "manual", bool(wanted))
            if wrong:
                self.run("pacman", "-D", word, *wrong)


def to_mark(before: Packages, now: Packages, field: str, wanted: bool) -> list[str]:
    """The installed packages whose mark was `wanted` and is not."""
    both = installed(before) & installed(now)
    return sorted(n for n in both if before[n][field] is wanted and now[n][field] is not wanted)


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
    stay = kept(now, needs, added, {name: before[name] for name in back})
    gone = added - stay
    if host.also_goes(gone, list(back.values())):
        unlike |= {name for name in back if name in installed(now)}
        back = {name: source for name, source in back.items() if name not in unlike}
        more = host.also_goes(gone, list(back.values()))
        if more:
            also = ", ".join(sorted(more))
            raise OSError(f"this would also remove {also}: remove or mend that, then run it again")
    if act:
        if gone or back:
            host.settle(gone, list(back.values()))
        host.mark(before)
        now, _ = look(ROOT)
        failed = sorted((gone & installed(now)) | (set(back) - installed(now)))
        if failed:
            raise OSError(f"{', '.join(failed)} could not be brought back: {host.said}")
    restored = [name for name in back if name not in unlike]
    result = {"removed": gone, "restored": restored, "kept": stay, "not_restored": unlike}
    return {key: sorted(value) for key, value in result.items()}


class Ledger:
    """A ledger's file, and what the module's states do with it; `act` is false in check mode."""

    def __init__(self, name: str, act: bool) -> None:
        self.path = LEDGERS / f"{name}.json"
        self.act = act
        self.record: dict[str, Any] = {}
        if self.path.exists():
            self.record = json.loads(self.path.read_text(encoding="utf-8"))
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
        now, _ = look(ROOT)
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
        now, _ = look(ROOT)
        found = changes(self.record.get("packages", now), now)
        record = {**self.record, "state": "closed", "seen": now, **found}
        return {"changed": self.save(record), **found}

    def undone(self, host: Apt | Pacman) -> dict[str, Any]:
        """Brings packages and files back, and removes the ledger."""
        if self.was == "absent":
            none: dict[str, Any] = {"removed": [], "restored": [], "kept": [], "not_restored": []}
            return {"changed": False, **none}
        now, _ = look(ROOT)
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
            maker = Pacman if manager(ROOT) == "pacman" else Apt
            result = ledger.undone(maker(module.params["proxy"]))
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"ledger {name}: {error}")
    module.exit_json(was=ledger.was, **result)


if __name__ == "__main__":
    main()
