"""Makes docs/symptoms.md from the rows of the doctor alone, by `python -m docs.symptoms`."""

from __future__ import annotations

from pathlib import Path

import yaml

from plugins.plugin_utils.gpu_doctor import rows
from plugins.plugin_utils.gpu_doctor.codes import NAMES
from plugins.plugin_utils.gpu_doctor.host import Host
from plugins.plugin_utils.gpu_doctor.pasted import host_of
from plugins.plugin_utils.gpu_doctor.symptoms import Symptom

PAGE = Path(__file__).with_suffix(".md")
_SYSTEMS = {"ubuntu": "Ubuntu", "debian": "Debian", "arch": "Arch"}
_PLACES = {
    "host": "this host",
    "kernel": "this host; of a container its host, of WSL2 Windows",
    "container host": "the container's host",
    "windows": "Windows",
    "firmware": "the firmware's setup",
    "program": "your own program",
    "nowhere": "nowhere",
}
_HEAD = """\
# What goes wrong, and what fixes it

Made by `python -m docs.symptoms` from `roles/doctor/vars/symptoms/`. Search it for the message that
you have, or let the doctor do that: `./run doctor --explain FILE` takes a pasted line, a terminal's
text or a log of any length, and `./run doctor` looks at the host itself. A command is given as it
would be on an unknown host; the doctor picks the one for yours.
"""


def page() -> str:
    """docs/symptoms.md."""
    known = {row.name: row for row in rows.symptoms()}
    parts = [_HEAD]
    for file in sorted(rows.SYMPTOMS.glob("*.yml")):
        text = file.read_text(encoding="utf-8")
        about = [line[2:] for line in text.splitlines() if line.startswith("# ")]
        names = [row["name"] for row in yaml.safe_load(text)["doctor_symptoms"]]
        parts.append(f"## {file.stem.replace('_', ' ')}\n\n{' '.join(about)}\n")
        parts.append("| what is said | what it is | where to act | what fixes it | source |")
        parts.append("|---|---|---|---|---|")
        parts += [_line(known[name]) for name in sorted(names, key=lambda each: known[each].rank)]
        parts.append("")
    return "\n".join(parts)


def anchor(name: str) -> str:
    """Of a row, for links: "xid-45-a-program-s-end"."""
    return "-".join("".join(sign if sign.isalnum() else " " for sign in name.lower()).split())


def _line(row: Symptom) -> str:
    said = [each for each in row.examples if isinstance(each, str)]
    said += [f"{NAMES[family]} {code}" for family, codes in row.codes.items() for code in codes]
    lines = dict.fromkeys(line.strip() for each in said for line in each.split("\n"))
    what = "<br>".join(f"`{_cell(line)}`" for line in lines if line) or "(seen on the host itself)"
    cause = _cell(row.explanation(_host("")))
    name = f'<a id="{anchor(row.name)}"></a>**{_cell(row.name)}**<br>{cause}'
    return f"| {what} | {name} | {_PLACES[row.where]} | {_fixes(row)} | {_cell(row.source)} |"


def _fixes(row: Symptom) -> str:
    """The command, and another one where a system needs it."""
    usual = row.command(_host(""))
    told = [f"`{_cell(usual)}`"]
    for system, name in _SYSTEMS.items():
        other = row.command(_host(system))
        if other != usual and f"`{_cell(other)}`" not in "".join(told):
            told.append(f"{name}: `{_cell(other)}`")
    return "<br>".join(told)


def _host(system: str) -> Host:
    return host_of("", rows.knowledge(), system)


def _cell(text: str) -> str:
    return " ".join(text.replace("`", "'").replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
