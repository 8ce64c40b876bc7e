"""What the resolver makes of hosts and wishes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs import stacks as page
from plugins.module_utils.gpu_stack import (
    UV,
    Plan,
    RefusedError,
    Wishes,
    describe,
    resolve,
    row,
    table,
)
from plugins.modules import gpu_facts
from tests.unit import hosts
from tests.unit.plans import recorded
from tests.unit.plans.recorded import MATRIX, Recorded

RANGE = ["3.10", "3.11", "3.12", "3.13"]
PLENTY = {"free_mb": 100_000}
ONE_LINE = re.compile(r"found [^\n;]+(; (?!expected)[^\n;]+)*; expected [^\n]+: [^\n]+[^\n: ]")


def facts(tmp_path: Path, host: hosts.Host) -> dict[str, Any]:
    return gpu_facts.look(hosts.write(tmp_path, host), "/opt/grindstone") | PLENTY


@pytest.mark.parametrize("host", recorded.hosts(), ids=str)
def test_a_recorded_host_gets_its_plan_or_its_refusal(host: Recorded) -> None:
    came = recorded.outcome(host)
    if isinstance(came, str):
        assert came == host.refused
        assert not host.expected
    else:
        assert recorded.summary(came) == host.expected
        assert not host.refused


def test_there_are_at_least_forty_recorded_hosts_and_no_two_of_a_name() -> None:
    names = [host.name for host in recorded.hosts()]
    assert len(set(names)) == len(names) >= 40


def test_the_page_of_stacks_is_current() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run `python -m docs.stacks`"


def test_a_plan_reads_so() -> None:
    host = next(each for each in recorded.hosts() if each.name == "GTX 1080 Ti beside RTX 4090")
    found = recorded.merged(host.found, {"driver": {"nouveau": True}})
    plan = resolve(found, host.wishes, MATRIX)
    assert describe(plan, found, "grinder") == (
        Path(__file__).parent / "plans/block.txt"
    ).read_text(encoding="utf-8").rstrip("\n")


@pytest.mark.parametrize(
    ("host", "wish", "python", "base", "packages"),
    [
        (hosts.DEBIAN_12, "", "3.11", "/usr/bin/python3.11", []),
        (hosts.DEBIAN_12_WITHOUT_VENV, "", "3.11", "/usr/bin/python3.11", ["python3-venv"]),
        (hosts.DEBIAN_13, "", "3.13", "/usr/bin/python3.13", []),
        (hosts.AARCH64, "", "3.13", "/usr/bin/python3.13", []),
        (hosts.UBUNTU_2204, "", "3.10", "/usr/bin/python3.10", []),
        (hosts.UBUNTU_2604, "", "3.13", UV, []),
        (hosts.ARCH, "", "3.13", UV, []),
        (hosts.ARCH_WITH_312, "", "3.12", "/usr/bin/python3.12", []),
        (hosts.ARCH_WITH_312, "3.11", "3.11", UV, []),
        (hosts.DEBIAN_13, "3.12", "3.12", UV, []),
        (hosts.UBUNTU_2204, "3.1", "3.10", "/usr/bin/python3.10", []),
        (hosts.WSL, "", "3.10", "/usr/bin/python3.10", []),
    ],
)
def test_each_system_gets_an_interpreter_in_tensorflow_s_range(
    tmp_path: Path, host: hosts.Host, wish: str, python: str, base: str, packages: list[str]
) -> None:
    plan = resolve(facts(tmp_path, host), Wishes(python=wish), MATRIX)
    assert (plan.record["tensorflow"]["python"], plan.base) == (python, base)
    assert plan.packages == packages


@pytest.mark.parametrize(
    ("host", "wish", "found", "expected", "advice"),
    [
        (hosts.FEDORA, "", "Fedora 43", "Debian 12 or 13, Ubuntu .* or Arch", "a container"),
        (hosts.RISCV, "", "riscv64", "x86_64 or aarch64", "use a machine"),
        (hosts.OLD_GLIBC, "", "glibc 2.24", "glibc 2.27 or newer", "use a newer system"),
        (hosts.DEBIAN_12, "3.9", "plan_python=3.9", "3.10 to 3.13", "leave plan_python empty"),
    ],
)
def test_a_host_that_nothing_fits_is_refused_with_what_does(
    tmp_path: Path, host: hosts.Host, wish: str, found: str, expected: str, advice: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        resolve(facts(tmp_path, host), Wishes(python=wish), MATRIX)
    parts = f".*{found}; .*{expected}.*: .*{advice}.*"
    assert re.fullmatch(parts, str(caught.value))


def test_a_disk_that_is_too_small_is_refused_with_both_sizes(tmp_path: Path) -> None:
    found = facts(tmp_path, hosts.DEBIAN_12) | {"free_mb": 1_200}
    with pytest.raises(RefusedError, match=r"found 1\.2 GB free for /opt/grindstone; .* 4\.5 GB"):
        resolve(found, Wishes(), MATRIX)


def test_a_small_disk_is_no_matter_where_tensorflow_is_already(tmp_path: Path) -> None:
    there = {"environment": {"python": "3.11", "tensorflow": "2.21.0"}, "free_mb": 10}
    assert not resolve(facts(tmp_path, hosts.DEBIAN_12) | there, Wishes(), MATRIX).changes


def test_a_prefix_that_is_no_absolute_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="plan_prefix=«here»; expected an absolute path"):
        resolve(facts(tmp_path, hosts.DEBIAN_12), Wishes(prefix="here"), MATRIX)


def test_without_a_gpu_the_plan_says_that_driver_and_cuda_are_not_needed(tmp_path: Path) -> None:
    found = facts(tmp_path, hosts.DEBIAN_12)
    block = describe(resolve(found, Wishes(), MATRIX), found, "here")
    assert "no NVIDIA GPU found: driver and CUDA are not needed here" in block


def parts(names: str, version: str, origin: str) -> list[dict[str, str]]:
    return [{"name": name, "version": version, "origin": origin} for name in names.split()]


# Drivers as hosts have them: working, broken, of every origin.
DRIVERS: list[dict[str, Any]] = [
    {},
    {"nouveau": True},
    {
        "loaded": "580.95.05",
        "loaded_flavour": "open",
        "libraries": "580.95.05",
        "origin": "distribution",
        "branch": "580",
        "packages": parts("nvidia-driver-580-open libnvidia-compute-580", "580.95", "distribution"),
    },
    {
        "loaded": "535.261.03",
        "loaded_flavour": "proprietary",
        "libraries": "535.261.03",
        "origin": "distribution",
        "branch": "535",
        "packages": parts("nvidia-driver nvidia-kernel-dkms libcuda1", "535.261", "distribution"),
    },
    {
        "loaded": "470.256.02",
        "loaded_flavour": "proprietary",
        "libraries": "470.256.02",
        "origin": "distribution",
        "branch": "470",
        "packages": parts("nvidia-driver-470 nvidia-dkms-470", "470.256", "distribution"),
    },
    {
        "loaded": "595.58.03",
        "loaded_flavour": "open",
        "libraries": "595.71.05",
        "origin": "nvidia",
        "branch": "595",
        "packages": parts("nvidia-open libnvidia-compute cuda-toolkit-12-5", "595.71", "nvidia"),
    },
    {
        "libraries": "580.95.05",
        "origin": "nvidia",
        "branch": "580",
        "packages": parts("cuda-drivers-580 nvidia-dkms-580", "580.95", "nvidia"),
    },
    {
        "loaded": "580.95.05",
        "loaded_flavour": "proprietary",
        "libraries": "580.95.05",
        "origin": "ppa",
        "branch": "580",
        "packages": parts("nvidia-driver-580", "580.95", "ppa"),
    },
    {"loaded": "450.51.06", "libraries": "450.51.06", "origin": "runfile", "branch": "450"},
    {"libraries": "590.48.01", "origin": "unknown", "branch": "590"},
]
SYSTEMS = sorted(recorded.SYSTEMS)


def interpreters() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Any interpreters a host may have, at most one of them being `python3`."""
    versions = st.lists(st.integers(8, 16), unique=True).map(sorted)
    flags = st.tuples(st.booleans(), st.booleans())
    several = versions.flatmap(
        lambda minors: st.tuples(
            st.just(minors),
            st.lists(flags, min_size=len(minors), max_size=len(minors)),
            st.sampled_from([None, *minors]),
        )
    )
    return several.map(
        lambda drawn: [
            {
                "path": f"/usr/bin/python3.{minor}",
                "version": f"3.{minor}",
                "whole": whole,
                "ensurepip": ensurepip,
                "default": minor == drawn[2],
            }
            for minor, (whole, ensurepip) in zip(drawn[0], drawn[1], strict=True)
        ]
    )


def gpus() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to three GPUs of any generations, one of them perhaps passed through."""
    names = st.lists(st.sampled_from(sorted(recorded.GPUS)), max_size=3)
    bound = st.sampled_from(["", "", "nouveau", "vfio-pci"])
    drawn = st.tuples(names, bound)
    return drawn.map(
        lambda both: [
            recorded.gpu(name, place, bound=both[1] if place == 0 else "")
            for place, name in enumerate(both[0])
        ]
    )


@st.composite
def any_facts(draw: st.DrawFn) -> dict[str, Any]:
    found = recorded.system(draw(st.sampled_from(SYSTEMS)))
    rarely = st.sampled_from([False, False, False, True])
    kernel = draw(st.sampled_from(["", "", "generic", "oem-24.04", "linux-zen", "mine"]))
    if kernel:
        more = {"release": f"6.9.1-9-{kernel}", "flavour": kernel, "headers": draw(st.booleans())}
        found["kernels"]["installed"].append({"package": "", "nvidia": {}, **more})
    return found | {
        "gpus": draw(gpus()),
        "architecture": draw(st.sampled_from(["x86_64"] * 8 + ["aarch64", "riscv64"])),
        "wsl": draw(rarely),
        "container": draw(st.sampled_from(["", "", "", "docker"])),
        "glibc": draw(st.sampled_from([found["glibc"]] * 8 + ["", "2.24"])),
        "pythons": draw(interpreters()),
        "machine": draw(st.sampled_from([""] * 8 + ["Jetson", "DGX"])),
        "desktop": draw(st.booleans()),
        "driver": {
            **draw(st.sampled_from(DRIVERS)),
            "devices": draw(st.sampled_from([[], ["/dev/nvidia0"]])),
        },
        "secure_boot": {
            "state": draw(st.sampled_from(["enabled", "disabled", "no efi"])),
            "enrolled": draw(st.booleans()),
        },
        "packages": {
            "held": draw(st.sampled_from([[], [], ["nvidia-driver-470"]])),
            "half_installed": draw(st.sampled_from([[], [], [], ["libc-bin"]])),
            "repositories": draw(
                st.sampled_from([[], [], ["nvidia"], ["ppa:graphics-drivers/ppa"]])
            ),
        },
        "cuda": draw(st.sampled_from([[], [{"version": "11.0", "path": "/usr/local/cuda-11.0"}]])),
        "environment": draw(
            st.sampled_from(
                [
                    {"python": "", "tensorflow": ""},
                    {"python": "3.11", "tensorflow": "2.20.0"},
                    {"python": "3.13", "tensorflow": "2.21.0", "cudnn": ""},
                ]
            )
        ),
        "free_mb": draw(st.sampled_from([100, 4_500] + [90_000] * 6)),
        "free_boot_mb": draw(st.sampled_from([None, 500, 500, 500, 20])),
    }


ANY_FACTS = any_facts()
ANY_WISHES = st.builds(
    Wishes,
    prefix=st.sampled_from(["/opt/grindstone", "/srv/a b"]),
    python=st.sampled_from([""] * 6 + ["3.9", *RANGE, "3.14", "three"]),
    tensorflow=st.sampled_from([""] * 6 + ["2.21.0", "2.19", "2.16.2", "2.16.1", "2.14.1", "1.15"]),
    driver=st.sampled_from([""] * 6 + ["keep", "skip", "470", "535", "580", "595", "610", "new"]),
    driver_origin=st.sampled_from(["distribution", "distribution", "nvidia"]),
    cuda=st.sampled_from(["wheels", "wheels", "wheels", "system", "none"]),
    reboot=st.booleans(),
)


def attempt(found: dict[str, Any], wishes: Wishes) -> Plan | str:
    try:
        return resolve(found, wishes, MATRIX)
    except RefusedError as refused:
        return str(refused)


def applied(found: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The facts after the plan has been carried out and the host rebooted."""
    tensorflow, driver, cuda = (plan.record[part] for part in ("tensorflow", "driver", "cuda"))
    wheels = cuda["action"] == "wheels"
    after = found | {
        "environment": {
            "python": tensorflow["python"],
            "tensorflow": tensorflow["version"],
            "cudnn": cuda["installed_cudnn"] if wheels else "",
        },
        "pythons": [{**python, "ensurepip": True} for python in found["pythons"]],
        "owned": {"open": [], "packages": list(plan.packages)},
    }
    if cuda["action"] == "system":
        prefix = {"version": cuda["version"], "path": cuda["prefix"], "origin": "nvidia"}
        after["cuda"] = [*found["cuda"], prefix]
        after["cudnn"] = [{"version": cuda["installed_cudnn"], "path": "/usr/lib/libcudnn.so.9"}]
        after["owned"]["packages"] += list(cuda["packages"])
    if driver["action"] == "install":
        version = "590.48.01" if driver["branch"] == "rolling" else f"{driver['branch']}.95.05"
        installed = [*driver["first"], *driver["packages"]]
        left = [
            part
            for part in found["driver"].get("packages", [])
            if part["name"] not in [*driver["remove"], *installed]
        ]
        new = parts(" ".join(installed), version, driver["origin"])
        after["driver"] = {
            "loaded": version,
            "loaded_flavour": driver["flavour"],
            "libraries": version,
            "nouveau": False,
            "nouveau_blacklisted": True,
            "origin": driver["origin"],
            "branch": version.split(".")[0],
            "packages": left + new,
            "devices": ["/dev/nvidia0"],
        }
        after["owned"]["packages"] += installed
        after["packages"] = {**found["packages"], "held": driver["hold"], "half_installed": []}
        enrolled = (
            driver["secure_boot"] in ("enrolled", "stage") or found["secure_boot"]["enrolled"]
        )
        after["secure_boot"] = {**found["secure_boot"], "enrolled": enrolled}
        kernels = [{**each, "headers": True} for each in found["kernels"]["installed"]]
        after["kernels"] = {**found["kernels"], "installed": kernels}
    return after


def generation(name: str) -> dict[str, Any]:
    return next(row for row in MATRIX.generations if row["name"] == name)


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_the_same_facts_give_the_same_plan_or_the_same_one_line(
    found: dict[str, Any], wishes: Wishes
) -> None:
    first = attempt(found, wishes)
    assert attempt(found, wishes) == first
    if isinstance(first, str):
        assert ONE_LINE.fullmatch(first), first


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_what_a_refusal_advises_is_no_refusal(found: dict[str, Any], wishes: Wishes) -> None:
    refused = attempt(found, wishes)
    if isinstance(refused, str):
        advice = re.search(r"((set|leave) plan_[^:]+) for (tensorflow-\S+)$", refused)
        if advice:
            said, stack = advice.group(1), advice.group(3)
            change = dict(re.findall(r"plan_(\w+)=(\S+?)(?=[ ,]|$)", said))
            empty = said.split("leave ")[1] if "leave " in said else ""
            change |= dict.fromkeys(re.findall(r"plan_(\w+)", empty), "")
            room = {"free_mb": 10**9, "free_boot_mb": None}
            plan = attempt(found | room, replace(wishes, **change))
            assert isinstance(plan, Plan), (refused, plan)
            assert plan.record["stack"] == stack


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_no_plan_mixes_the_origins_of_a_driver(found: dict[str, Any], wishes: Wishes) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan) and plan.record["driver"]["action"] == "install":
        driver = plan.record["driver"]
        names = set(driver["packages"])
        rows = [
            each
            for each in MATRIX.drivers
            if each["origin"] == driver["origin"] and driver["branch"] in each["branches"]
        ]
        known = str([[each["packages"], each["module"], each.get("precompiled")] for each in rows])
        skeleton = re.compile(r"-(\d{3})|-server|-open|-generic\S*|-(aws|azure)")
        for name in names - set(driver["headers"]):
            assert skeleton.sub("", name)[:10] in known, name
        stays = [
            part
            for part in found["driver"].get("packages", [])
            if part["name"] not in driver["remove"] and "toolkit" not in part["name"]
        ]
        assert all(part["origin"] == driver["origin"] for part in stays)
        assert not names & set(driver["remove"])


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_no_plan_goes_below_a_floor_or_past_a_cap(found: dict[str, Any], wishes: Wishes) -> None:
    plan = attempt(found, wishes)
    if not isinstance(plan, Plan):
        return
    driver, cuda = plan.record["driver"], plan.record["cuda"]
    used = [gpu for gpu in plan.record["gpus"] if gpu["used"]]
    if driver["action"] == "install":
        branch = 590 if driver["branch"] == "rolling" else int(driver["branch"])
    elif driver["action"] == "keep":
        branch = int(driver["version"].split(".")[0])
    else:
        branch = 0
    for gpu in used:
        known = generation(gpu["generation"] or "Blackwell")
        if branch:
            assert int(known["first"] or 0) <= branch <= int(known["last"] or 9999)
        if driver["action"] == "install":
            assert driver["flavour"] in known["modules"]
        if driver["action"] == "keep" and found["driver"]["loaded_flavour"] if branch else False:
            assert found["driver"]["loaded_flavour"] in known["modules"]
    if cuda["action"] == "none":
        assert plan.record["stack"] == "tensorflow-2.21-cpu"
        return
    stack = next(each for each in MATRIX.stacks if each["name"] == plan.record["stack"])
    for gpu in used:
        low, high = (numbers(each) for each in stack["capabilities"])
        assert low <= numbers(gpu["compute_capability"]) <= high
    assert numbers(cuda["installed_cudnn"]) >= numbers(cuda["cudnn"])
    if any(numbers(gpu["compute_capability"]) < [7, 5] for gpu in used):
        assert numbers(cuda["installed_cudnn"]) <= [9, 10, 2, 21]
    if branch:
        assert branch >= int(stack["driver"].split(".")[0])
    assert plan.record["tensorflow"]["version"] != "2.16.1"
    assert found["architecture"] == "x86_64"


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_a_plan_is_as_wished(found: dict[str, Any], wishes: Wishes) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan):
        driver, cuda = plan.record["driver"], plan.record["cuda"]
        version = plan.record["tensorflow"]["version"]
        assert f"{version}.".startswith(f"{wishes.tensorflow}.") or not wishes.tensorflow
        assert cuda["action"] in (wishes.cuda, "none")
        if driver["action"] == "install":
            assert wishes.driver in ("", driver["branch"])
            assert driver["reboot"] == ("when needed" if wishes.reboot else "never")
            assert wishes.driver_origin in ("distribution", driver["origin"])
        if wishes.driver in ("keep", "skip"):
            assert driver["action"] in (wishes.driver, "none")


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_no_plan_has_an_interpreter_outside_the_range_or_the_wish(
    found: dict[str, Any], wishes: Wishes
) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan):
        python = plan.record["tensorflow"]["python"]
        stack = next(each for each in MATRIX.stacks if each["name"] == plan.record["stack"])
        assert python in stack["pythons"]
        assert wishes.python in ("", python)
        usable = {row["path"]: row["version"] for row in found["pythons"] if row["whole"]}
        assert plan.base == UV or usable[plan.base] == python


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_what_lasts_is_the_same_before_and_after_and_nothing_is_left_to_change(
    found: dict[str, Any], wishes: Wishes
) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan):
        after = attempt(applied(found, plan), wishes)
        assert isinstance(after, Plan), after
        expected = plan.lasting
        if expected["driver"].get("secure_boot") == "stage":
            expected["driver"]["secure_boot"] = "enrolled"  # by a person, at the boot
        assert after.lasting == expected
        assert after.changes == []


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_the_block_is_at_most_88_columns_wide_and_has_no_blank_ends(
    found: dict[str, Any], wishes: Wishes
) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan):
        for line in describe(plan, found, "here").splitlines():
            assert len(line) <= 88
            assert line == line.rstrip()


def test_many_plans_are_one_table_with_refused_and_missing_hosts_below() -> None:
    rows: dict[str, dict[str, Any]] = {}
    for name in ("RTX 4090 in an Ubuntu 24.04 server", "no GPU", "K80 in Arch"):
        host = next(each for each in recorded.hosts() if each.name == name)
        came = recorded.outcome(host)
        rows[name.split()[0]] = (
            {"refusal": came}
            if isinstance(came, str)
            else {"refusal": "", "row": row(came, host.found)}
        )
    lines = table(rows | {"gone": {}}).splitlines()
    assert re.match(
        r"host +system +GPU +driver +CUDA +TensorFlow +Python +to do +reboot$", lines[0]
    )
    assert re.match(
        r"RTX +Ubuntu 24.04 +RTX 4090 \(Ada\) +580 open, precompiled +12.5 wheels", lines[1]
    )
    assert re.match(r"no +Debian 13 +none +none +none +2.21.0 CPU +3.13", lines[2])
    assert lines[3].startswith("K80   refused: found K80 (Kepler)")
    assert "gone  not reached, or it could not be looked at" in lines
    assert lines[-1] == "2 planned, 1 refused, 1 not seen"
    assert max(map(len, lines)) == len(lines[0])
