"""What holds for every plan: all generations, systems, drivers and options."""

from __future__ import annotations

import itertools
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from plugins.plugin_utils.gpu_stack.block import describe
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from plugins.plugin_utils.gpu_stack.plan import UV
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.host_facts import parse
from plugins.plugin_utils.versions import numbers
from tests.unit.plans import recorded
from tests.unit.plans.applied import applied, parts, staying, there
from tests.unit.plans.recorded import MATRIX

Plan = dict[str, Any]  # as the roles read it
RANGE = ["3.10", "3.11", "3.12", "3.13"]
ONE_LINE = re.compile(r"found [^\n;]+(; (?!expected)[^\n;]+)*; expected [^\n]+: [^\n]+[^\n: ]")


# Drivers as hosts have them: working, broken, of every origin.
OF_UBUNTU = "nvidia-driver-580-open libnvidia-compute-580 nvidia-modprobe"
OF_DEBIAN = "nvidia-driver nvidia-kernel-dkms libcuda1"
OF_NVIDIA = "nvidia-open libnvidia-compute cuda-toolkit-12-5"
DRIVERS: list[dict[str, Any]] = [
    {},
    {"nouveau": True},
    there("distribution", OF_UBUNTU, "580.95.05", "open"),
    there("distribution", OF_DEBIAN, "535.261.03", "proprietary"),
    there("distribution", "nvidia-driver-470 nvidia-dkms-470", "470.256.02", "proprietary"),
    there("nvidia", OF_NVIDIA, "595.71.05", "open", loaded="595.58.03"),
    there("nvidia", "cuda-drivers-580 nvidia-dkms-580", "580.95.05"),
    there("ppa", "nvidia-driver-580", "580.95.05", "proprietary"),
    {"loaded": "450.51.06", "libraries": "450.51.06", "origin": "runfile", "branch": "450"},
    {"libraries": "590.48.01", "origin": "unknown", "branch": "590"},
]
SYSTEMS = sorted(recorded.SYSTEMS)
# A GPU of each generation, compute capability and use for screens: no plan hangs on more of it.
KINDS = {
    (gpu["generation"], gpu["compute_capability"], "display" in gpu): name
    for name, gpu in recorded.GPUS.items()
}.values()


@st.composite
def interpreters(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Any interpreters a host may have, at most one of them being `python3`."""
    minors = sorted(draw(st.sets(st.integers(8, 16))))
    default = draw(st.sampled_from([None, *minors]))
    return [
        {
            "path": f"/usr/bin/python3.{minor}",
            "version": f"3.{minor}",
            "whole": draw(st.booleans()),
            "ensurepip": draw(st.booleans()),
            "default": minor == default,
        }
        for minor in minors
    ]


@st.composite
def gpus(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to three GPUs of any generations, the first of them perhaps passed through."""
    names = draw(st.lists(st.sampled_from(sorted(recorded.GPUS)), max_size=3))
    bound = draw(st.sampled_from(["", "", "nouveau", "vfio-pci"]))
    return [
        recorded.gpu(name, place, bound=bound if place == 0 else "")
        for place, name in enumerate(names)
    ]


@st.composite
def any_facts(draw: st.DrawFn) -> dict[str, Any]:
    """Hosts of every kind, with one or two things that are seldom so."""
    found = recorded.system(draw(st.sampled_from(SYSTEMS)))
    found |= {
        "gpus": draw(gpus()),
        "desktop": draw(st.booleans()),
        "pythons": draw(st.one_of(st.just(found["pythons"]), interpreters())),
        "driver": draw(st.sampled_from(DRIVERS)),
        "cuda": draw(st.sampled_from([[], [{"version": "11.0", "path": "/usr/local/cuda-11.0"}]])),
        "environment": draw(st.sampled_from(ENVIRONMENTS)),
        "secure_boot": {"state": draw(st.sampled_from(SECURE_BOOT)), "enrolled": False},
    }
    for seldom in draw(st.lists(st.sampled_from(SELDOM), max_size=2)):
        found = recorded.merged(found, seldom)
    kernel = draw(st.sampled_from(["", "", "generic", "oem-24.04", "linux-zen", "mine"]))
    if kernel:
        more = {"release": f"6.9.1-9-{kernel}", "flavour": kernel, "headers": draw(st.booleans())}
        found["kernels"]["installed"].append({"package": "", "nvidia": {}, **more})
    return found


SECURE_BOOT = ["enabled", "disabled", "no efi"]
ENVIRONMENTS: list[dict[str, str]] = [
    {"python": "", "tensorflow": ""},
    {"python": "3.11", "tensorflow": "2.20.0"},
    {"python": "3.13", "tensorflow": "2.21.0", "cudnn": ""},
]
PIN = {"file": "/etc/apt/preferences", "priority": -1}
SELDOM: list[dict[str, Any]] = [
    {"secure_boot": {"enrolled": True}},
    {"packages": {"repositories": ["nvidia"]}},
    {"packages": {"pins": [{**PIN, "packages": "*nvidia* libcuda1", "pin": "release *"}]}},
    {"packages": {"pins": [{**PIN, "packages": "*", "pin": "release o=NVIDIA"}]}},
    {"packages": {"repositories": ["ppa:graphics-drivers"]}},
    {"packages": {"held": ["nvidia-driver-470"]}},
    {"packages": {"half_installed": ["libc-bin"]}},
    {"driver": {"devices": ["/dev/nvidia0"]}, "container": "docker"},
    {"container": "podman"},
    {"wsl": True},
    {"architecture": "aarch64"},
    {"architecture": "riscv64"},
    {"machine": "Jetson"},
    {"machine": "DGX"},
    {"glibc": "2.24"},
    {"glibc": ""},
    {"free_mb": 4_500},
    {"free_boot_mb": 20},
]
DEFAULTS = Options()
OWN = f"/srv/tensorflow-2.22.0-{{0}}-{{0}}-manylinux_2_27_x86_64.whl#sha256={'0' * 64}"
IMAGE = f"docker.io/tensorflow/tensorflow@sha256:{'5f' * 32}"
ONE_OPTION = [
    DEFAULTS,
    *(Options(python=version) for version in ("3.9", *RANGE, "3.14", "three")),
    *(
        Options(tensorflow=v)
        for v in ("2.21.0", "2.19", "2.16.2", "2.16.1", "2.14.1", "1.15", "2.22.0rc0", "2.23")
    ),
    *(Options(driver=v) for v in ("keep", "skip", "470", "535", "580", "595", "610", "new")),
    Options(driver_origin="nvidia"),
    *(Options(tensorflow_wheel=OWN.format(v)) for v in ("cp311", "cp312", "cp314")),
    Options(cuda="system"),
    Options(cuda="none"),
    Options(reboot=False),
    *(Options(container=IMAGE, container_engine=v) for v in ("", "podman", "docker")),
    Options(container="docker.io/tensorflow/tensorflow:latest"),
    Options(prefix="/srv/a b"),
    Options(cuda="none", driver_origin="nvidia"),
    Options(cuda="system", driver="580", driver_origin="nvidia"),
]
ANY_FACTS = any_facts()
ANY_OPTIONS = st.one_of(
    st.just(DEFAULTS),
    st.sampled_from(ONE_OPTION),
    st.builds(
        Options,
        python=st.sampled_from(["", *RANGE]),
        tensorflow=st.sampled_from(["", "2.21.0", "2.19", "2.16.2", "2.14.1"]),
        driver=st.sampled_from(["", "keep", "skip", "470", "535", "580", "595", "610"]),
        driver_origin=st.sampled_from(["", "distribution", "nvidia"]),
        cuda=st.sampled_from(["wheels", "system", "none"]),
        reboot=st.booleans(),
    ),
)


def attempt(found: dict[str, Any], options: Options) -> Plan | str:
    try:
        return resolve(parse(found), options, MATRIX).to_builtins()
    except RefusedError as refused:
        return str(refused)


# Said here again, in few words, so that a slip in the matrix is one: (first branch, last, modules).
BY_GENERATION = {
    "Tesla": (0, 340, {"proprietary"}),
    "Fermi": (0, 390, {"proprietary"}),
    "Kepler": (0, 470, {"proprietary"}),
    **dict.fromkeys(["Maxwell", "Pascal", "Volta"], (0, 580, {"proprietary"})),
    **dict.fromkeys(["Turing", "Ampere"], (0, 9999, {"open", "proprietary"})),
    **dict.fromkeys(["Ada", "Hopper"], (515, 9999, {"open", "proprietary"})),
    **dict.fromkeys(["Blackwell", ""], (570, 9999, {"open"})),
}
CUDA_FLOOR = {"11": 450, "12": 525}


def must_hold(found: dict[str, Any], options: Options) -> None:
    """All of it, for one host."""
    came = attempt(found, options)
    if isinstance(came, str):
        assert ONE_LINE.fullmatch(came), came
        must_advise_what_works(found, options, came)
        return
    must_have_one_origin(found, came)
    must_keep_to_floors_and_caps(found, came)
    must_be_as_asked(options, came)
    must_have_an_interpreter(found, options, came)
    must_last(found, options, came)
    must_be_the_same_after_a_kill(found, options, came)
    facts = parse(found)
    again = resolve(facts, options, MATRIX)
    assert again.to_builtins() == came
    for line in describe(again, facts, MATRIX, "here")[1:]:  # the verdict is one line
        assert len(line) <= 79
        assert line == line.rstrip()


def must_advise_what_works(found: dict[str, Any], options: Options, refused: str) -> None:
    advice = re.search(
        r"((set|leave) plan_[^ ]+( |=)(?:(?! for (?:Tens|JAX|PyTorch)).)*)"
        r" for TensorFlow \S+ \((\S+)\)$",
        refused,
    )
    if not advice:
        hopeless = found["glibc"] in ("", "2.24") or found["architecture"] == "riscv64"
        assert hopeless or not refused.endswith("use another host")
        return
    said, stack = advice.group(1), advice.group(4)
    change: Plan = dict(re.findall(r"plan_(\w+)=(\S+?)(?= |, |$)", said))
    if "ignore_gpus" in change:
        change["ignore_gpus"] = tuple(change["ignore_gpus"].split(","))
    empty = said.split("leave ")[1] if "leave " in said else ""
    change |= dict.fromkeys(re.findall(r"plan_(\w+)", empty), "")
    room: Plan = {"free_mb": 10**9, "free_boot_mb": None, "packages": {"half_installed": []}}
    plan = attempt(recorded.merged(found, room), structs.replace(options, **change))
    assert isinstance(plan, dict), (refused, plan)
    assert plan["record"]["stack"] == stack


def templates(driver: dict[str, Any]) -> list[str]:
    """The names that the driver's origin has for its branch, as regular expressions."""
    names: list[str] = []
    for each in MATRIX.drivers:
        if each.origin == driver["origin"] and driver["branch"] in each.branches:
            names += [*each.first, *each.packages.desktop, *each.packages.headless]
            names += each.module.values()
            names += each.precompiled.packages.values() if each.precompiled else ()
    words = {"open": "(-open)?", "server": "(-server)?", "kernel": ".+"}
    return [name.format(branch=driver["branch"], **words) for name in names]


def must_have_one_origin(found: dict[str, Any], plan: Plan) -> None:
    driver = plan["record"]["driver"]
    if driver["action"] != "install":
        return
    known = "|".join(templates(driver))
    for name in set(driver["packages"]) - set(driver["headers"]):
        assert re.fullmatch(known, name)
    for part in staying(found, driver["remove"]):
        assert part["origin"] == driver["origin"] or "toolkit" in part["name"]
    assert not set(driver["packages"]) & set(driver["remove"])


def must_keep_to_floors_and_caps(found: dict[str, Any], plan: Plan) -> None:
    driver, cuda = plan["record"]["driver"], plan["record"]["cuda"]
    used = [gpu for gpu in plan["record"]["gpus"] if gpu["used"]]
    version = driver.get("branch") or driver.get("version") or "0"
    branch = 590 if version == "rolling" else numbers(version)[0]
    for gpu in used:
        first, last, modules = BY_GENERATION[gpu["generation"]]
        assert not branch or first <= branch <= last
        if driver["action"] == "install":
            assert driver["flavour"] in modules
        if driver["action"] == "keep":
            kept = found["driver"]
            assert kept["loaded"] == kept["libraries"]
            assert kept.get("loaded_flavour", min(modules)) in modules
    if cuda["action"] == "none":
        assert plan["record"]["stack"] == "cpu"
        return
    if cuda["action"] == "image":  # nobody knows what it has kernels for
        assert used
        return
    stack = next(each for each in MATRIX.stacks if each.name == plan["record"]["stack"])
    for gpu in used:
        assert stack.gpu
        low, high = (numbers(each) for each in stack.gpu.capabilities)
        assert low <= numbers(gpu["compute_capability"]) <= high
    assert numbers(cuda["installed_cudnn"]) >= numbers(cuda["cudnn"])
    if any(numbers(gpu["compute_capability"]) < (7, 5) for gpu in used):
        assert numbers(cuda["installed_cudnn"]) <= (9, 10, 2, 21)
    assert not branch or branch >= CUDA_FLOOR[cuda["version"].split(".")[0]]
    if plan["record"]["tensorflow"].get("wheel"):  # nobody knows what it has kernels for
        return
    newest = max((numbers(gpu["compute_capability"]) for gpu in used), default=())
    if newest >= (9, 0) and numbers(plan["record"]["tensorflow"]["version"]) >= (2, 18):
        assert not branch or branch >= (570 if newest >= (10, 0) else 555)
    if newest >= (10, 0):
        assert plan["record"]["tensorflow"]["version"] in ("2.21.0", "2.23.0.dev20261026")
        assert cuda["action"] == "wheels"
        assert "confirmed" in plan["record"]["tensorflow"]
    assert newest < (9, 0) or plan["record"]["tensorflow"]["compiled"]
    assert plan["record"]["tensorflow"]["version"] != "2.16.1"
    assert found["architecture"] == "x86_64"


def must_be_as_asked(options: Options, plan: Plan) -> None:
    driver, cuda = plan["record"]["driver"], plan["record"]["cuda"]
    version = plan["record"]["tensorflow"]["version"]
    assert f"{version}.".startswith(f"{options.tensorflow}.") or not options.tensorflow
    assert cuda["action"] in ("image" if options.container else options.cuda, "none")
    assert plan["record"].get("container", {}).get("image", "") == options.container
    if driver["action"] == "install":
        assert options.driver in ("", driver["branch"])
        assert driver["reboot"] == ("when needed" if options.reboot else "never")
        assert options.driver_origin in ("", driver["origin"])
    if options.driver in ("keep", "skip"):
        assert driver["action"] in (options.driver, "none")


def must_have_an_interpreter(found: dict[str, Any], options: Options, plan: Plan) -> None:
    python = plan["record"]["tensorflow"]["python"]
    if options.container:
        assert (plan["base"], plan["lock"], plan["packages"]) == ("", "", [])
        return
    stack = next(each for each in MATRIX.stacks if each.name == plan["record"]["stack"])
    assert python in stack.pythons
    assert options.python in ("", python)
    usable = {row["path"]: row["version"] for row in found["pythons"] if row["whole"]}
    assert plan["base"] == UV or usable[plan["base"]] == python


def must_last(found: dict[str, Any], options: Options, plan: Plan) -> None:
    after = attempt(applied(found, plan), options)
    assert isinstance(after, dict), after
    driver = plan["persisted"]["driver"]
    if driver.get("secure_boot") == "stage":
        driver = driver | {"secure_boot": "enrolled"}  # by a person, at the boot
    assert after["persisted"] == plan["persisted"] | {"driver": driver}
    assert after["changes"] == []
    assert after["driver_changes"] == []
    must_see_a_new_kernel(applied(found, plan), options, plan)


def must_see_a_new_kernel(found: dict[str, Any], options: Options, plan: Plan) -> None:
    """An update has brought a kernel that the module was not built for, and it is the next one."""
    if plan["record"]["driver"]["action"] != "install":
        return
    kernels = found["kernels"]
    unbuilt: dict[str, Any] = {kernels["next"]: {"nvidia": {}}}
    installed = [each | unbuilt.get(each["release"], {}) for each in kernels["installed"]]
    without = attempt(found | {"kernels": {**kernels, "installed": installed}}, options)
    assert isinstance(without, dict), without
    assert without["driver_changes"] == [f"install the module of kernel {kernels['next']}"]


def must_be_the_same_after_a_kill(found: dict[str, Any], options: Options, plan: Plan) -> None:
    """The old packages are gone, and half of the new are there, one of them half installed."""
    driver = plan["record"]["driver"]
    if driver["action"] != "install":
        return
    new = driver["packages"][: len(driver["packages"]) // 2]
    installed = staying(found, driver["remove"]) + parts(" ".join(new), "1", driver["origin"])
    some = {"origin": driver["origin"], "branch": driver["branch"], "packages": installed}
    killed = found | {
        "driver": some if installed else {},
        "owned": {"open": ["nvidia_driver"], "packages": new},
        "packages": {**found["packages"], "half_installed": new[:1]},
    }
    if driver["origin"] == "nvidia":
        killed["packages"]["repositories"] = ["nvidia"]
    after = attempt(killed, options)
    assert isinstance(after, dict), after
    assert after["persisted"] == plan["persisted"]


@given(found=ANY_FACTS, options=ANY_OPTIONS)
def test_every_plan_keeps_the_laws_and_every_refusal_is_one_line_with_advice_that_works(
    found: dict[str, Any], options: Options
) -> None:
    must_hold(found, options)


def test_the_laws_hold_for_every_generation_on_every_system_with_every_driver() -> None:
    """One in three has an option set: they go round, so that every generation meets every one."""
    turn = itertools.cycle(each for set_one in ONE_OPTION for each in (DEFAULTS, DEFAULTS, set_one))
    for gpu, system, driver in itertools.product(KINDS, SYSTEMS, DRIVERS):
        found = recorded.system(system) | {"gpus": [recorded.gpu(gpu, 0)], "driver": driver}
        must_hold(found, next(turn))


def test_the_laws_hold_for_every_two_generations_and_every_driver_with_every_option() -> None:
    """The generations and the systems go round."""
    turn = itertools.cycle(itertools.combinations(KINDS, 2))
    systems = itertools.cycle(SYSTEMS)
    for driver, options in itertools.product(DRIVERS, ONE_OPTION):
        for names in (["T4"], next(turn)):
            found = recorded.system(next(systems)) | {"driver": driver}
            found["gpus"] = [recorded.gpu(name, place) for place, name in enumerate(names)]
            must_hold(found, options)
