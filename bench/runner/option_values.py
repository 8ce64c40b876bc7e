"""Options that take words, numbers and lists of them."""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec.structs import replace

from bench import workloads
from bench.errors import GrindstoneError
from bench.observe.devices import Found, device_groups
from bench.record.head import Device
from bench.record.variant import AS_PUBLISHED, PRECISIONS, Design, Variant
from bench.runner import container, interpreter, paths, rerun_options
from bench.runner.container import Image
from bench.runner.option_table import INFERENCE_SECONDS, OPTIONS
from bench.workloads import design as workload_design
from bench.workloads.backend import BACKENDS, FRAMEWORKS, Backend
from bench.workloads.design import FOLDS
from bench.workloads.own import OwnWorkload, is_workload, read_files
from bench.workloads.workload import MODES, Workload

# The test that trains what is not trained by default.
ON_REQUEST_FILE = "test_on_request.py"

_FOLD = re.compile(r"(^|,)\s*fold=([^,]*)")

_MOST_IN_A_STEP = 1_000_000
_MOST_EPOCHS = 100_000

_MOST_SECONDS = 3600

_Word = TypeVar("_Word", bound=str)


def must_name(chosen: argparse.Namespace) -> None:
    """Refuses an option that names nothing, as `--results-dir=$UNSET` does in a shell."""
    for option, attributes in OPTIONS.items():
        given = getattr(chosen, rerun_options.attribute(option), None)
        if given == "" or (isinstance(given, list) and "" in given):
            wanted = attributes.get("metavar", "a word")
            raise GrindstoneError(f"{option} names nothing; give {wanted}, or leave it out")


def words(
    what: str, wanted: list[str] | None, there_is: tuple[_Word, ...]
) -> tuple[_Word, ...] | None:
    """The words asked for, in the order that there is."""
    if wanted is None:
        return None
    asked = names(wanted)
    for name in asked:
        if name not in there_is:
            raise GrindstoneError(f"no {what} {name!r}; there is {', '.join(there_is)}")
    return tuple(word for word in there_is if word in asked)


def variants(chosen: argparse.Namespace, backend: Backend) -> tuple[Variant, ...]:
    """Every combination of what was asked for, in its order.

    backend: what trains where none is asked for.
    """
    asked = (
        words("backend", chosen.backend, BACKENDS) or (backend,),
        numbers("batch", chosen.batch),
        words("precision", chosen.precision, PRECISIONS) or (None,),
        [each == "on" for each in words("xla setting", chosen.xla, ("off", "on")) or ("off",)],
        numbers("steps-per-execution", chosen.steps_per_execution),
        [made for each in chosen.design or () for made in designs(each)] or (None,),
    )
    made = [
        Variant(
            backend=below, batch=batch, precision=precision, xla=xla, steps=steps, design=changes
        ).without_defaults(None)
        for below, batch, precision, xla, steps, changes in itertools.product(*asked)
    ]
    _must_be_supported(made, chosen)
    if chosen.input and any(replace(each, backend=None) != AS_PUBLISHED for each in made):
        raise GrindstoneError(
            "--input trains as published; leave it out, or --batch, --precision, --xla, "
            "--steps-per-execution and --design"
        )
    modes = words("mode", chosen.mode, MODES) or ()
    if "tuned" in modes and any(
        replace(each, backend=None, batch=None) != AS_PUBLISHED for each in made
    ):
        raise GrindstoneError(
            "--mode tuned has XLA, float32 and one call an epoch of its own; with it --batch alone "
            "can be chosen: leave --mode out, or --precision, --xla, --steps-per-execution and "
            "--design"
        )
    return tuple(dict.fromkeys(made))


def designs(text: str) -> list[Design]:
    """The same for each of several folds: `fold=all`, `fold=1/2/3`."""
    given = _FOLD.search(text)
    if given is None:
        return [design(text)]
    asked = given[2]
    folds = range(1, FOLDS + 1) if asked == "all" else dict.fromkeys(asked.split("/"))
    return [design(_FOLD.sub(rf"\g<1>fold={each}", text)) for each in folds]


def design(text: str) -> Design:
    """The changes asked for: `pooling=average,filters=32/32/64`; `published` asks for none."""
    if text == "published":
        return Design()
    members: dict[str, Any] = {}
    for each in text.split(","):
        name, _, value = each.strip().partition("=")
        if name not in Design.__struct_fields__:
            there_is = ", ".join(Design.__struct_fields__)
            raise GrindstoneError(f"--design: no change {name!r}; there is {there_is}")
        members[name] = value.split("/") if name in ("filters", "dense") else value
    try:
        return msgspec.convert(members, Design, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        name = where.rstrip("`").partition("[")[0]
        there_is = _there_is(name)
        raise GrindstoneError(
            f"--design {text}: {name} is not as expected ({what}){there_is}"
        ) from error


def _there_is(name: str) -> str:
    """The words that a change takes, where it takes words."""
    hint = get_type_hints(workload_design.Design).get(name)
    words = [each for part in get_args(hint) for each in get_args(part) if isinstance(each, str)]
    return f"; there is {', '.join(words)}" if words else ""


def _must_be_supported(made: list[Variant], chosen: argparse.Namespace) -> None:
    """Refuses what a backend does not support."""
    asked = {
        "--mode tuned": "tuned" in (words("mode", chosen.mode, MODES) or ()),
        "--input": bool(chosen.input),
        "--device gpus": "gpus" in names(chosen.device or []),
        "--xla": bool(chosen.xla),
        "--steps-per-execution": bool(chosen.steps_per_execution),
    }
    for backend in {each.backend: None for each in made if each.backend}:
        framework = FRAMEWORKS[backend]
        for option, why in framework.lacks.items():
            if asked[option]:
                raise GrindstoneError(
                    f"{option} is not for {framework.title}: {why}; leave it out, or train with "
                    "--backend tensorflow"
                )


def devices(wanted: list[str] | None, found: Found) -> tuple[Device, ...]:
    """The devices asked for, in their order; every one where none is."""
    if wanted is None:
        return found.devices
    every = (*found.devices, *device_groups(found.devices[1:]))
    here = {device.option: device for device in every}
    asked = names(wanted)
    for name in asked:
        if name not in here:
            why = f" ({found.why_no_gpu})" if found.why_no_gpu else ""
            raise GrindstoneError(f"no device {name!r} here; there is {', '.join(here)}{why}")
    return tuple(here[name] for name in asked)


def numbers(option: str, wanted: list[str] | None) -> list[int | None]:
    """The numbers asked for; None stands for as published."""
    if wanted is None:
        return [None]
    found: list[int | None] = []
    for name in names(wanted):
        if not (name.isascii() and name.isdigit() and 1 <= int(name) <= _MOST_IN_A_STEP):
            raise GrindstoneError(
                f"--{option} {name} is no number from 1 to {_MOST_IN_A_STEP:,}; give one, or a "
                "list with commas"
            )
        found.append(int(name))
    return found


def on_request(chosen: argparse.Namespace) -> tuple[Workload, ...]:
    """The workloads that pytest's `-k`, or that of `compare-envs`, names; all, with their file."""
    paths = getattr(chosen, "file_or_dir", None) or ()
    if any(Path(each.partition("::")[0]).name == ON_REQUEST_FILE for each in paths):
        return tuple(workloads.ON_REQUEST.values())
    named = getattr(chosen, "keyword", None) or getattr(chosen, "only", None)
    return workloads.on_request(named or "")


def own_workloads(chosen: argparse.Namespace) -> tuple[OwnWorkload, ...]:
    """Those in files of one's own.

    Raises:
        GrindstoneError: a file is none, stands where pytest takes it for tests, or is not all that
            was asked for.
    """
    for each in map(Path, getattr(chosen, "file_or_dir", None) or ()):
        if each.suffix == ".py" and each.is_file() and is_workload(each):
            option = shlex.quote(f"--workload={each}")
            raise GrindstoneError(f"{each} is a model of your own; name it as {option}")
    named = [paths.from_here("--workload", each) for each in chosen.workload or ()]
    made = read_files(named, workloads.EVERY)
    for name in ("input", "time_to_target", "data_dir", "synthetic"):
        if made and getattr(chosen, name):
            raise GrindstoneError(
                f"--{name.replace('_', '-')} is for Grindstone's workloads, and --workload trains "
                "a model and data of your own; leave one of them out"
            )
    return made


def epochs(wanted: int | None) -> int | None:
    """The number of epochs asked for, if any."""
    if wanted is not None and not 3 <= wanted <= _MOST_EPOCHS:
        raise GrindstoneError(
            f"--epochs {wanted} is out of range; give a number from 3 to {_MOST_EPOCHS:,}: "
            "the first is told apart, and a spread takes two more"
        )
    return wanted


def seed(wanted: int) -> int:
    """The seed asked for."""
    if not 0 <= wanted < 2**32:
        raise GrindstoneError(f"--seed {wanted} is out of range; give one from 0 to 4294967295")
    return wanted


def inference(chosen: argparse.Namespace) -> float | None:
    """For how many s it is measured how fast a network answers; None where nobody asks for it."""
    seconds: float | None = chosen.inference_seconds
    if seconds is None:
        return INFERENCE_SECONDS if chosen.inference else None
    if not 0 < seconds <= _MOST_SECONDS:  # nan, too, fails this
        raise GrindstoneError(
            f"--inference-seconds {seconds:g} is out of range; give seconds above 0, "
            f"{_MOST_SECONDS:,} at most"
        )
    return seconds


def names(wanted: list[str]) -> list[str]:
    """The words of an option that takes lists and may be repeated, each once."""
    return list(dict.fromkeys(name.strip() for words in wanted for name in words.split(",")))


def image(
    chosen: argparse.Namespace, planned: interpreter.Plan | None, *, compared: bool
) -> Image | None:
    """The container that is named, else the plan's, where no interpreter is named."""
    name = chosen.worker_image
    named = compared or chosen.worker_python
    if name is None:
        if named or not (planned and planned.image):
            return None
        return container.read_image(planned.image, of_plan=planned.engine)
    if named:
        raise GrindstoneError(
            "--worker-image and an interpreter were named; a worker has one of them: leave one out"
        )
    return container.read_image(name)
