# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The answer first: what a playbook changed, what failed and why, and a line for each host."""

from __future__ import annotations

DOCUMENTATION = """
name: summary
type: stdout
short_description: What changed, what failed, and a line for each host
version_added: "0.1.0"
author: The Grindstone authors (@grindstone)
description:
  - Prints one line for each task that changed something and nothing for the others, the message of
    a task that failed before its details, and the text of M(ansible.builtin.debug) as it is.
  - In a terminal the last line names the task that runs, and for how long; in a log, a task that
    takes longer than 30 seconds is named once.
  - With C(-v) it is P(ansible.builtin.default#callback); all options but C(display_failed_stderr)
    are for that.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - stdout_callback = grindstone.grindstone.summary in ansible.cfg
"""

import json
import re
import shutil
import textwrap
from collections.abc import Iterable
from typing import Any

from ansible import constants as C  # noqa: N812
from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.display import Display

from ..plugin_utils.progress import Progress, elapsed

# What Ansible says of its own doings before the cause.
PREAMBLE = re.compile(
    r"^(?:Task failed: |Finalization of task args for '\S+' failed: "
    r"|Error while (?:resolving value for '\w+'|evaluating conditional): )+"
)
NO_HOSTS = (
    "found no machine to work on; expected one in the inventory, or that grindstone_hosts names: "
    "write it into inventory.ini, or name another inventory with -i"
)
LONG = 10  # s from which on a task's time is printed
# What a failure's details repeat, or what tells a person nothing.
NOISE = {
    *("changed", "failed", "failed_when_result", "msg", "censored", "invocation", "exception"),
    *("warnings", "deprecations", "diff", "results", "attempts", "start", "end", "delta"),
    *("stdout_lines", "stderr_lines", "ansible_facts", "unreachable", "item", "ansible_loop_var"),
    *("argument_errors", "argument_spec_data", "validate_args_context"),
}


class Summary(CallbackBase):  # type: ignore[misc]
    """Prints what concerns whoever runs a playbook, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._progress = Progress()
        self._diffs: dict[str, str] = {}

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        """Has the line of progress name the task, unless the task asks in that very line."""
        asks = task.action.endswith("pause")
        self._progress.task = "" if asks else lines_of(task.name or task.get_name())[0]

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """As for any task."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:  # noqa: ARG002
        """Starts the task's clock."""
        self._progress.start(host.get_name())

    def v2_on_file_diff(self, result: Any) -> None:
        """Keeps the differences until the task's own line is printed."""
        host, _task, values = parts(result)
        if values.get("changed") and values.get("diff"):
            self._diffs[host] = self._diffs.get(host, "") + self._get_diff(values["diff"])

    def v2_runner_on_ok(self, result: Any) -> None:
        """Prints one line where something changed, and what debug has to say."""
        host, task, values = parts(result)
        seconds = self._progress.end(host)
        diff = self._diffs.pop(host, "")
        self._warn(values)
        if task.action.rpartition(".")[2] == "debug":
            for each in values.get("results", [values]):
                lines = said(each)
                block = lines[1:] or isinstance(each.get("msg"), list)
                self._print(lines if block else [f"[{host}] {lines[0]}"])
        elif result.is_changed():
            time = f" ({elapsed(seconds)})" if seconds >= LONG else ""
            verb = "would change" if context.CLIARGS["check"] else "changed"
            self._print([f"{verb}: {title(result)}{time}"], C.COLOR_CHANGED)
            self._print(diff.splitlines())

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Prints nothing but warnings."""
        host, _task, values = parts(result)
        self._progress.end(host)
        self._warn(values)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Prints the task, its message and then its details; one line where it is ignored."""
        host, task, values = parts(result)
        self._progress.end(host)
        self._warn(values)
        if ignore_errors:
            first = message(values)[0]
            self._print([f"failed, ignored: {title(result)}: {first}"], C.COLOR_WARN)
            return
        self._print([f"FAILED: {title(result)}"], C.COLOR_ERROR, failure=True)
        ours = task.action.rpartition(".")[2] in ("fail", "assert")
        items = [each for each in values.get("results", []) if each.get("failed")]
        for each in items or [values]:
            item = [f"item: {lines_of(each['item'])[0]}"] if "item" in each else []
            more = [] if ours else [*details(each), f"task: {task.get_path()}"]
            self._print(indented([*item, *message(each)]), C.COLOR_ERROR, failure=True)
            self._print(indented(more), failure=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Prints the task and why the host could not be reached."""
        host, _task, values = parts(result)
        self._progress.end(host)
        self._warn(values)
        lines = [f"UNREACHABLE: {title(result)}", *indented(message(values))]
        self._print(lines, C.COLOR_UNREACHABLE, failure=True)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Says why nothing follows, and fails: Ansible would call it a success."""
        self._print([NO_HOSTS], C.COLOR_ERROR, failure=True)
        raise SystemExit(1)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Prints a line for each host."""
        self._progress.close()
        check = context.CLIARGS["check"]
        for host in sorted(stats.processed):
            count = stats.summarize(host)
            words, color = "ok", C.COLOR_CHANGED if count["changed"] else C.COLOR_OK
            if count["failures"]:
                words, color = "failed", C.COLOR_ERROR
            if count["unreachable"]:
                words, color = "unreachable", C.COLOR_UNREACHABLE
            verb = "would change" if check else "changed"
            words += f", {count['changed'] or 'nothing'} {verb}"
            words += "".join(
                f", {count[kind]} {kind}" for kind in ("rescued", "ignored") if count[kind]
            )
            self._print([f"{host}: {words}"], color)

    def _print(self, lines: Iterable[str], color: str | None = None, failure: bool = False) -> None:
        """Prints the lines; in a terminal, folded to its width."""
        self._progress.clear()
        width = shutil.get_terminal_size().columns - 1 if self._progress.terminal else 0
        stderr = failure and self.get_option("display_failed_stderr")
        for line in lines:
            for part in folded(line, width):
                self._display.display(part, color=color, stderr=stderr)

    def _warn(self, values: dict[str, Any]) -> None:
        if values.get("warnings") or values.get("deprecations"):
            self._progress.clear()
            self._handle_warnings(values)


class Verbose(Default):  # type: ignore[misc]
    """Ansible's own callback, but for an inventory without machines."""

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """As above."""
        self._display.display(NO_HOSTS, color=C.COLOR_ERROR)
        raise SystemExit(1)


class CallbackModule(Verbose if Display().verbosity else Summary):  # type: ignore[misc]
    """Ansible's entry point."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "grindstone.grindstone.summary"


def parts(result: Any) -> tuple[str, Any, dict[str, Any]]:
    """A result's host, task and values, whose public names are new in ansible-core 2.19."""
    if hasattr(result, "result"):
        return result.host.get_name(), result.task, result.result
    return result._host.get_name(), result._task, result._result


def title(result: Any) -> str:
    """Where, and what: `[gpu1] Install TensorFlow`."""
    host, task = parts(result)[:2]
    return f"[{host}] {lines_of((task.name and result.task_name) or task.get_name())[0]}"


def message(values: dict[str, Any]) -> list[str]:
    """Why a task failed."""
    lines = lines_of(values.get("msg") or values.get("censored") or "it gave no message")
    return [PREAMBLE.sub("", lines[0]), *lines[1:]]


def said(values: dict[str, Any]) -> list[str]:
    """What debug prints: its message, or a variable and its value."""
    if "msg" in values:
        return lines_of(values["msg"])
    return list(details(values))


def details(values: dict[str, Any]) -> Iterable[str]:
    """What else a task returned: the command, its output, its status."""
    for key, value in sorted(values.items()):
        if key in NOISE or key.startswith("_ansible") or value in ("", None, [], {}):
            continue
        lines = lines_of(value)
        if len(lines) == 1:
            yield f"{key}: {lines[0]}"
        else:
            yield from [f"{key}:", *indented(lines)]


def lines_of(value: Any) -> list[str]:
    """The lines of a text, of a list of texts, or of any other value as JSON.

    Characters that would steer a terminal become escapes.
    """
    if isinstance(value, str):
        return [
            "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
            for line in value.strip("\r\n").replace("\r\n", "\n").expandtabs().split("\n")
        ]
    if value and isinstance(value, list) and all(isinstance(text, str) for text in value):
        return [line for text in value for line in lines_of(text)]
    return lines_of(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def indented(lines: Iterable[str]) -> list[str]:
    """The lines, two columns to the right."""
    return [f"  {line}".rstrip() for line in lines]


def folded(line: str, width: int) -> list[str]:
    """The line in parts of at most `width` columns, indented alike; as it is where width is 0."""
    if not width or len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False)
