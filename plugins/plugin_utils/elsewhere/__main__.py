"""`./run plan`: the plan of a machine that is not here, the answer first."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import row_files
from ..command_line import Parser, tell
from ..gpu_stack import minimum_driver
from ..gpu_stack.block import at_first_start, describe
from ..gpu_stack.gpus import titles
from ..gpu_stack.load import load
from ..gpu_stack.matrix import Matrix
from ..gpu_stack.options import Options, RefusedError
from ..gpu_stack.plan import Plan
from ..gpu_stack.resolve import resolve
from ..host_facts import Gpu, HostFacts, SecureBoot
from ..requirements import msgspec
from ..terminal import wrapped
from ..typed import InvalidDataError
from ..versions import numbers
from . import hosts, names

_WIDTH = 79
# Of the role plan, as they are named here.
OPTIONS = ("driver", "driver-origin", "cuda", "framework", "tensorflow", "python", "container")
_VARIABLE = re.compile(rf"\bplan_({'|'.join(OPTIONS).replace('-', '_')})\b")
_EPILOG = """
examples:
  ./run plan --host ubuntu-24.04 --gpu "RTX 5090" --secure-boot on
  ./run plan --host debian-13 --gpu "GTX 1080 Ti, RTX 4090" --driver-origin nvidia
  ./run plan --host ubuntu-22.04 --gpu "8 x H100"
  ./run plan --bundle report.tar.gz
"""


def parser() -> Parser:
    """The command line; the options of the plan are the role plan's, without `plan_`."""
    made = Parser(
        prog="./run plan",
        description="What a machine that is not here would get. Nothing is looked at or changed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--host", metavar="SYSTEM", help="a fresh one, such as ubuntu-24.04 or «24.04 HWE»"
    )
    which.add_argument("--bundle", metavar="FILE", type=Path, help="a bundle of the doctor's")
    made.add_argument(
        "--gpu", metavar="NAME", action="append", default=[], help="or several; may be repeated"
    )
    made.add_argument(
        "--nvswitches",
        metavar="COUNT",
        type=int,
        help="between the GPUs, if not as such boards have",
    )
    made.add_argument("--secure-boot", choices=["on", "off"], default="off")
    made.add_argument(
        "--desktop",
        action="store_true",
        help="it boots to a screen, as Mint and Kubuntu do by themselves",
    )
    made.add_argument(
        "--architecture", choices=["x86_64", "aarch64"], help="by the GPU, if not said"
    )
    for name in OPTIONS:
        made.add_argument(f"--{name}", metavar="VALUE", help=f"as plan_{name.replace('-', '_')}")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """0 with a plan, 1 where a host is refused, 2 where the command line cannot be understood."""
    told = parser().parse_args(arguments)
    wanted = {name: getattr(told, name) for name in (each.replace("-", "_") for each in OPTIONS)}
    options = Options(**{name: value for name, value in wanted.items() if value})
    try:
        options.check()
        matrix = load(row_files.matrix())
        machines = _machines(told, matrix)
    except (RefusedError, InvalidDataError) as refused:
        print(f"run plan: {_as_options(refused)}", file=sys.stderr)
        return 2
    found = names.gpus(told.gpu)
    texts = [_text(name, facts, options, matrix, found) for name, facts in machines.items()]
    whole = "\n\n".join(text for text, _refused in texts)
    if not tell("\n".join([whole, *_taken(told, machines)]), "run plan"):
        return 2
    return int(any(refused for _text, refused in texts))


def _machines(told: argparse.Namespace, matrix: Matrix) -> dict[str, HostFacts]:
    if told.bundle:
        if told.gpu:
            raise RefusedError("--gpu beside --bundle", "one of them", "leave --gpu out")
        return hosts.of_bundle(told.bundle)
    if told.nvswitches is not None and told.nvswitches < 0:
        raise RefusedError(f"--nvswitches {told.nvswitches}", "0 or more", "name so many")
    gpus = names.gpus(told.gpu)
    host = hosts.named(told.host, gpus, matrix)
    arm = "aarch64" in (host.architecture, names.architecture(gpus))
    facts = msgspec.structs.replace(
        host,
        secure_boot=SecureBoot("enabled" if told.secure_boot == "on" else "disabled"),
        desktop=told.desktop or host.desktop,
        architecture=told.architecture or ("aarch64" if arm else "x86_64"),
        switches=names.switches(gpus, told.nvswitches),
    )
    return {f"a fresh {facts.distribution}": facts}


def _taken(told: argparse.Namespace, machines: dict[str, HostFacts]) -> list[str]:
    """What was not said and is taken for granted."""
    facts = next(iter(machines.values()))
    if told.bundle:
        return []
    said = []
    if facts.driver.loaded:
        said.append(f"A DGX: taken with its own driver, {facts.driver.loaded}")
    if facts.switches and told.nvswitches is None:
        count = f"{len(facts.switches)} NVSwitches of such boards"
        said.append(f"{titles(facts.gpus)}: taken with the {count}; --nvswitches 0 is without them")
    return [line for each in said for line in wrapped(each, _WIDTH)]


def _as_options(refused: Exception) -> str:
    """What is said of the role's variables, of the options that they are here."""
    return _VARIABLE.sub(lambda found: f"--{found[1].replace('_', '-')}", str(refused))


def _text(
    name: str, facts: HostFacts, options: Options, matrix: Matrix, named: Sequence[Gpu]
) -> tuple[str, bool]:
    try:
        plan = resolve(facts, options, matrix)
    except RefusedError as refused:
        return "\n".join(
            wrapped(f"No plan for {name}: {_as_options(refused)}", _WIDTH, indent=2)
        ), True
    lines = describe(plan, facts, matrix, name)
    return "\n".join([*lines, *(_at_first(plan, named, matrix) if facts.wsl else ())]), False


def _at_first(plan: Plan, named: Sequence[Gpu], matrix: Matrix) -> list[str]:
    """What the first start on those GPUs takes, which no plan sees under WSL2."""
    stack = next((row for row in matrix.stacks if row.name == plan.record.stack), None)
    found = minimum_driver.compiled_gpus(stack, named) if stack else []
    if not found:
        return []
    which, rows = titles([gpu for gpu, _row in found]), [row for _gpu, row in found]
    seen = "" if all(row.confirmed for row in rows) else "; not yet confirmed on hardware"
    said = at_first_start(which, partly=all(row.partly for row in rows), seen=seen)
    branch = max(numbers(row.driver)[0] for row in rows)
    driver = f"Windows' driver has to be of branch {branch} or newer"
    return wrapped(f"{said[0].upper()}{said[1:]}. {driver}", _WIDTH)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `./run plan … | head`
    sys.exit(main())
