"""Proves in stages that this interpreter's TensorFlow computes what it should, on every device.

    /opt/grindstone/tensorflow/bin/python verify.py [/etc/grindstone/plan.json]

The stages stop at the first that fails.  What they found goes to standard output as JSON and to
standard error to be read.  No stage is timed, so the same machine gives the same bytes again.

What TensorFlow does happens in child processes, for a wheel that does not suit the processor ends
its process, and so may a broken GPU: first one that sees no GPU, then one that sees them all.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import platform
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

TOLERANCE = 1e-4  # of float32 results of order 1; they differ by some 1e-6
LONGEST = 900  # s for a child: a GPU that hangs must not hang the playbook

Plan = dict[str, Any]


class StageError(Exception):
    """A stage failed, and knows why: `advice` says what to do."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.advice = advice


class Stage(NamedTuple):
    """name: for the reader; check: returns what it found, or raises; advice: what to do then."""

    name: str
    check: Callable[[Plan], str]
    advice: str


# ---- On the CPU ----------------------------------------------------------------------------------


def interpreter(plan: Plan) -> str:
    """The Python is the plan's."""
    planned = plan.get("tensorflow", {}).get("python", "")
    version = platform.python_version()
    if planned and not version.startswith(planned + "."):
        raise AssertionError(f"this is Python {version}, the plan says {planned}")
    return f"Python {version}"


def imports(plan: Plan) -> str:
    """TensorFlow is imported, in the plan's version."""
    import keras
    import tensorflow as tf

    planned = plan.get("tensorflow", {}).get("version", tf.__version__)
    if tf.__version__ != planned:
        raise AssertionError(f"this is TensorFlow {tf.__version__}, the plan says {planned}")
    return f"TensorFlow {tf.__version__}, Keras {keras.__version__}"


def training(_: Plan) -> str:
    """One step down the gradient lowers the loss."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    pictures = random.normal(size=(64, 20)).astype("float32")
    labels = (pictures.sum(axis=1) > 0).astype("int32")
    layers = [keras.Input((20,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    before = float(model.evaluate(pictures, labels, verbose=0))
    model.train_on_batch(pictures, labels)
    after = float(model.evaluate(pictures, labels, verbose=0))
    if not after < before:
        raise AssertionError(f"the loss went from {before:.4f} to {after:.4f}")
    return "one step lowers the loss"


def product(_: Plan) -> str:
    """A matrix product is NumPy's."""
    import numpy as np
    import tensorflow as tf

    left, right = np.random.default_rng(2).normal(size=(2, 256, 256)) / 16
    computed = tf.matmul(tf.constant(left, tf.float32), tf.constant(right, tf.float32))
    return agreement(computed, left @ right)


def convolution(_: Plan) -> str:
    """A convolution is the sum that NumPy forms over the same windows."""
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(3)
    pictures = random.normal(size=(4, 16, 16, 3))
    kernels = random.normal(size=(3, 3, 3, 8)) / 9
    computed = tf.nn.conv2d(
        tf.constant(pictures, tf.float32), tf.constant(kernels, tf.float32), 1, "VALID"
    )
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (3, 3), axis=(1, 2))
    return agreement(computed, np.einsum("bhwcij,ijck->bhwk", windows, kernels))


def xla(_: Plan) -> str:
    """A function that XLA has compiled gives what NumPy gives; tanh is libdevice's on a GPU."""
    import numpy as np
    import tensorflow as tf

    values = np.random.default_rng(4).normal(size=(64, 64))
    compiled = tf.function(
        lambda x: tf.reduce_sum(tf.tanh(x) * x, axis=0) / 64, jit_compile=True, autograph=False
    )
    expected = (np.tanh(values) * values).sum(axis=0) / 64
    return agreement(compiled(tf.constant(values, tf.float32)), expected)


def agreement(computed: Any, expected: Any) -> str:
    """Says that the arrays agree, or raises with the largest difference."""
    difference = float(abs(computed.numpy() - expected).max())
    if not difference <= TOLERANCE:
        raise AssertionError(f"it differs from NumPy by {difference:.2g}, not within {TOLERANCE:g}")
    return "agrees with NumPy"


# ---- The driver, by its files --------------------------------------------------------------------

VERSION = r"\d{3}\.\d+(?:\.\d+)?"
LIBRARIES = ("usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/nvidia/*", "usr/lib64", "usr/lib")


def driver(plan: Plan, root: Path = Path("/")) -> str:
    """NVIDIA's module is loaded, in the version of the libraries that programs load."""
    told = read(root / "proc/driver/nvidia/version")
    found = re.search(rf"NVRM version:.*?\b({VERSION})\b", told)
    if not found:
        raise unloaded(plan, root)
    loaded = found.group(1)
    folders = [folder for pattern in LIBRARIES for folder in root.glob(pattern)]
    versions = sorted({version for folder in folders for version in library_versions(folder)})
    if not versions:
        raise StageError(
            f"the module is loaded ({loaded}), and its library libcuda.so is not on this host",
            "run site.yml, which installs both in one version",
        )
    if loaded not in versions:
        raise StageError(
            f"the loaded module is {loaded}, the libraries are {', '.join(versions)}: the driver "
            "was upgraded under it («Driver/library version mismatch»)",
            "reboot; site.yml holds the driver's packages, so that it does not come again",
        )
    flavour = "open" if "Open Kernel Module" in told else "proprietary"
    return f"{loaded} ({flavour}), module and libraries alike"


def library_versions(folder: Path) -> list[str]:
    """The versions of libcuda in the folder."""
    names = (path.name for path in folder.glob("libcuda.so.*.*"))
    return [name[len("libcuda.so.") :] for name in names]


def unloaded(plan: Plan, root: Path) -> StageError:
    """Why there is no module of NVIDIA's, as far as files tell."""
    if (root / "sys/module/nouveau").exists():
        return StageError(
            "nouveau holds the GPU, and NVIDIA's module cannot be loaded beside it",
            "reboot; if it comes back, run site.yml, which takes it out of the initramfs",
        )
    release = read(root / "proc/sys/kernel/osrelease").strip()
    modules = root / "lib/modules" / release
    if not any(modules.glob("**/nvidia*.ko*")):
        planned = plan.get("host", {}).get("kernel", release)
        if planned != release:
            return StageError(
                f"the running kernel {release} has no NVIDIA module; it was built for {planned}",
                "reboot into the newer kernel",
            )
        return StageError(
            f"the running kernel {release} has no NVIDIA module",
            "run site.yml: it installs the headers and builds one",
        )
    return StageError(
        f"NVIDIA's module is there for kernel {release}, and not loaded",
        "reboot, or: modprobe nvidia; where that fails dmesg says why: «Key was rejected by "
        "service» is Secure Boot without the enrolled key, «No such device» a GPU that this driver "
        "does not know",
    )


def device_nodes(plan: Plan, root: Path = Path("/")) -> str:
    """Programs find the driver's devices, nvidia-uvm among them."""
    count = len(planned_gpus(plan))
    wanted = ["nvidiactl", "nvidia-uvm", *(f"nvidia{number}" for number in range(count))]
    missing = [f"/dev/{name}" for name in wanted if not (root / "dev" / name).exists()]
    if missing == ["/dev/nvidia-uvm"]:
        raise StageError(
            "/dev/nvidia-uvm is missing: its module is not loaded, and CUDA then fails with "
            "CUDA_ERROR_UNKNOWN for all but root",
            "nvidia-modprobe -c 0 -u, or: modprobe nvidia-uvm; site.yml has it loaded at boot",
        )
    if missing:
        raise StageError(
            f"{', '.join(missing)} missing",
            "nvidia-smi makes them; where it fails, dmesg | grep NVRM says why",
        )
    return f"{', '.join(wanted)}"


# ---- CUDA, by TensorFlow's own loader ------------------------------------------------------------

# What TensorFlow asks for by name, in its order, by the major version of CUDA.
SONAMES = {
    "11": "cudart.so.11.0 cublas.so.11 cublasLt.so.11 cufft.so.10 cusolver.so.11 cusparse.so.11",
    "12": "cudart.so.12 cublas.so.12 cublasLt.so.12 cufft.so.11 cusolver.so.11 cusparse.so.12",
}


class Library(NamedTuple):
    """An opened library: the file that it is, and its handle."""

    path: str
    handle: int


def opened(name: str) -> Library | None:
    """The library as TensorFlow's loader opens it, None where it cannot.

    dlopen searches by the library that calls it, so the call has to come out of TensorFlow's.
    """
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None
    assert spec.origin is not None
    framework = ctypes.CDLL(str(Path(spec.origin).with_name("libtensorflow_framework.so.2")))
    load = framework["_ZN3tsl8internal18LoadDynamicLibraryEPKcPPv"]
    load.restype = None
    handle, status = ctypes.c_void_p(), (ctypes.c_uint64 * 8)()
    load(ctypes.byref(status), name.encode(), ctypes.byref(handle))
    if not handle.value:
        return None
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    path = re.search(rf"(/.*/{re.escape(name)}[^/]*)$", maps, re.MULTILINE)
    return Library(path.group(1) if path else name, handle.value)


def libraries(plan: Plan) -> str:
    """Every library of CUDA that TensorFlow asks for opens."""
    if opened("libcuda.so.1") is None:
        raise StageError(
            "the driver's libcuda.so.1 cannot be opened («Could not find cuda drivers»)",
            "run site.yml, which installs it with the module",
        )
    cuda = plan.get("cuda", {})
    names = [f"lib{name}" for name in SONAMES[cuda["version"].split(".")[0]].split()]
    names.append(cudnn_name(plan))
    found = {name: opened(name) for name in names}
    missing = [name for name, library in found.items() if library is None]
    if missing:
        raise StageError(
            f"TensorFlow's loader cannot open {', '.join(missing)} "
            "(«Cannot dlopen some GPU libraries»)",
            AGAIN,
        )
    folders = {str(Path(library.path).parent.resolve()) for library in found.values() if library}
    home = cuda["prefix"] if cuda.get("action") == "system" else sys.prefix
    return f"{len(names)} of {home}" if all_below(folders, home) else f"{len(names)} open"


def all_below(folders: set[str], home: str) -> bool:
    """Whether every folder is in `home`."""
    return all(f"{folder}/".startswith(f"{Path(home).resolve()}/") for folder in folders)


def cudnn_name(plan: Plan) -> str:
    """The file name that TensorFlow asks for: its major version is part of it."""
    return f"libcudnn.so.{plan['cuda']['cudnn'].split('.')[0]}"


def cudnn(plan: Plan) -> str:
    """The cuDNN that opens is at least as new as the one TensorFlow was built against."""
    library = opened(cudnn_name(plan))
    if library is None:
        raise StageError(f"{cudnn_name(plan)} cannot be opened", AGAIN)
    number = int(ctypes.CDLL(library.path).cudnnGetVersion())
    # 8907 is 8.9.7; from 9 on 90300 is 9.3.0.
    base = 1000 if number < 10000 else 10000
    version = (number // base, number % base // 100, number % 100)
    found, built = ".".join(map(str, version)), plan["cuda"]["cudnn"]
    if version[:2] < tuple(map(int, built.split(".")))[:2]:
        raise StageError(
            f"cuDNN {found} is opened ({library.path}), and TensorFlow was built with {built} "
            "(«Loaded runtime CuDNN library … but source was compiled with …»)",
            f"unset LD_LIBRARY_PATH; {AGAIN}",
        )
    return f"{found}, built with {built}"


# ---- On every GPU --------------------------------------------------------------------------------


def planned_gpus(plan: Plan) -> list[dict[str, Any]]:
    """The GPUs that TensorFlow is to use."""
    return [gpu for gpu in plan.get("gpus", []) if gpu.get("used", True)]


def listed(plan: Plan) -> str:
    """TensorFlow lists every GPU of the plan."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    planned = planned_gpus(plan)
    if len(gpus) < len(planned):
        raise AssertionError(f"TensorFlow lists {len(gpus)} of {len(planned)} GPUs")
    names = []
    for gpu in gpus:
        details = tf.config.experimental.get_device_details(gpu)
        capability = ".".join(map(str, details.get("compute_capability", ()))) or "?"
        names.append(f"{details.get('device_name', gpu.name)} ({capability})")
    return ", ".join(names)


def on_each_gpu(check: Callable[[Plan], str]) -> Callable[[Plan], str]:
    """The check on every GPU in turn, and nowhere else."""

    def checked(plan: Plan) -> str:
        import tensorflow as tf

        # TF32 keeps ten bits of a product's factors: it is fast, and not what is compared here.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.config.set_soft_device_placement(False)
        gpus = tf.config.list_logical_devices("GPU")
        for gpu in gpus:
            try:
                with tf.device(gpu.name):
                    check(plan)
            except Exception as error:
                raise RuntimeError(f"on {gpu.name.rsplit('device:', 1)[-1]}: {error}") from error
        return f"agrees with NumPy on {len(gpus)} GPU{'s' * (len(gpus) != 1)}"

    return checked


AGAIN = "run site.yml again; if it stays so, remove the environment's folder and run it once more"
HARDWARE = "wrong arithmetic: test the memory and the processor, and undo any overclocking"
GPU_HARDWARE = "wrong arithmetic: undo the GPU's overclocking, and look for Xid in dmesg"
TOO_NEW = (
    "no published TensorFlow has kernels for this GPU: use NVIDIA's container nvcr.io/nvidia/"
    "tensorflow, or build TensorFlow from source"
)
REBOOT = "reboot: the driver was upgraded under the loaded module"
UVM = "nvidia-modprobe -c 0 -u, or: modprobe -r nvidia-uvm && modprobe nvidia-uvm, or reboot"
PARTS = f"cuDNN's parts are of two versions: unset LD_LIBRARY_PATH; {AGAIN}"

# What CUDA, cuDNN and XLA say where it goes wrong, and what to do; the first that fits.
SYMPTOMS = [
    (r"INVALID_PTX|PTX version \S+ does not support|not built with CUDA kernel binaries", TOO_NEW),
    (r"no kernel image is available", f"this TensorFlow is too new for the GPU: {AGAIN}"),
    (r"Driver/library version mismatch|SYSTEM_DRIVER_MISMATCH|does not match DSO version", REBOOT),
    (r"INSUFFICIENT_DRIVER|driver version is insufficient", "the driver is too old: run site.yml"),
    (r"CUDA_ERROR_UNKNOWN", UVM),
    (r"Loaded runtime CuDNN library", f"the wrong cuDNN is found: unset LD_LIBRARY_PATH; {AGAIN}"),
    (r"SUBLIBRARY|CUDNN_STATUS_VERSION_MISMATCH", PARTS),
    (r"CUDNN_STATUS|DNN library|No algorithm worked", f"cuDNN does not run on this GPU: {AGAIN}"),
    (r"libdevice|ptxas", f"XLA does not find its tools: unset XLA_FLAGS; {AGAIN}"),
    (r"Cannot dlopen some GPU libraries", AGAIN),
    (r"Could not find cuda drivers|NO_DEVICE|no CUDA-capable device", "run site.yml, then reboot"),
    (
        r"OUT_OF_MEMORY|ResourceExhausted|[Oo]ut of memory|OOM",
        "nvidia-smi shows who has its memory",
    ),
]


def advised(text: str, otherwise: str) -> str:
    """What to do about what was said."""
    return next((advice for said, advice in SYMPTOMS if re.search(said, text)), otherwise)


CPU_STAGES = [
    Stage("interpreter", interpreter, AGAIN),
    Stage("import", imports, AGAIN),
    Stage("training step", training, AGAIN),
    Stage("matrix product", product, HARDWARE),
    Stage("convolution", convolution, HARDWARE),
    Stage("XLA", xla, AGAIN),
]
DRIVER_STAGES = [Stage("driver", driver, AGAIN), Stage("device nodes", device_nodes, AGAIN)]
GPU_STAGES = [
    Stage("CUDA libraries", libraries, AGAIN),
    Stage("cuDNN", cudnn, AGAIN),
    Stage(
        "GPUs", listed, "CUDA_VISIBLE_DEVICES may hide them; dmesg | grep -e NVRM -e Xid says more"
    ),
    Stage("GPU product", on_each_gpu(product), GPU_HARDWARE),
    Stage("GPU convolution", on_each_gpu(convolution), GPU_HARDWARE),
    Stage("GPU XLA", on_each_gpu(xla), GPU_HARDWARE),
]


# ---- Running them --------------------------------------------------------------------------------


class Result(NamedTuple):
    """What came of a stage: its state, what was found, and where it failed what to do."""

    state: str
    found: str
    advice: str = ""


def result(stage: Stage, plan: Plan) -> Result:
    """Runs the stage."""
    try:
        return Result("passed", stage.check(plan))
    except StageError as error:
        return Result("failed", str(error), error.advice)
    except Exception as error:  # whatever it is, it is this stage's result
        found = " ".join(f"{type(error).__name__}: {error}".split())
        return Result("failed", found, stage.advice)


def up_to_failure(stages: list[Stage], plan: Plan, tell: Callable[[Result], None]) -> None:
    """Runs the stages up to the first that fails, and tells each result once it is known."""
    for stage in stages:
        known = result(stage, plan)
        tell(known)
        if known.state == "failed":
            return


def here(stages: list[Stage], plan: Plan) -> list[Result]:
    """Runs the stages in this process."""
    known: list[Result] = []
    up_to_failure(stages, plan, known.append)
    return known


def in_child(stages: list[Stage], plan: Plan, **variables: str) -> list[Result]:
    """Runs the stages in a child process, with these environment variables."""
    with tempfile.TemporaryFile("w+") as results, tempfile.TemporaryFile("w+") as noise:
        child = os.fork()
        if child == 0:
            os.environ.update(variables)
            os.dup2(noise.fileno(), 1)
            os.dup2(noise.fileno(), 2)
            signal.alarm(LONGEST)
            up_to_failure(stages, plan, lambda known: write(known, results))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        results.seek(0)
        noise.seek(0)
        known = [Result(*json.loads(line)) for line in results]
        said = noise.read()
    if status:
        known.append(ended(status, said))
    last = known[-1]
    if last.state == "failed":
        # Where no GPU is to be seen, TensorFlow's word that it sees none is no symptom.
        heard = "" if "CUDA_VISIBLE_DEVICES" in variables else said
        known[-1] = last._replace(advice=advised(f"{last.found}\n{heard}", last.advice))
    return known


def write(known: Result, results: IO[str]) -> None:
    """A line of JSON."""
    print(json.dumps(known), file=results, flush=True)


def ended(status: int, noise: str) -> Result:
    """What it means that the child ended in mid-stage, and what to do."""
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        found, advice = SIGNALS.get(name, (f"it ended by {name}", AGAIN))
        return Result("failed", found, advice)
    last = noise.strip().splitlines()[-1:] or ["it said nothing"]
    found = f"it ended with status {os.waitstatus_to_exitcode(status)}: {last[0]}"
    return Result("failed", found, AGAIN)


SIGNALS = {
    "SIGILL": (
        "the processor lacks instructions that TensorFlow is built with (AVX)",
        "use another machine, or let the virtual machine see the host's processor",
    ),
    "SIGKILL": ("it was killed, as the kernel does when memory runs out", "free some memory"),
    "SIGALRM": (
        f"it did not end within {LONGEST // 60} minutes",
        "dmesg | grep -e NVRM -e Xid says whether the GPU hangs; if it does, reboot",
    ),
}


def left_out(plan: Plan) -> tuple[str, str]:
    """Why the driver's stages do not apply here, and why the GPU's do not; "" where they do."""
    if not plan:
        return ("there is no plan on this host",) * 2
    planned, cuda = plan.get("driver", {}), plan.get("cuda", {"action": "none"})
    by_driver = (
        planned.get("reason", "") if planned.get("action", "none") in ("none", "skip") else ""
    )
    if planned.get("action") == "skip" or not plan.get("tensorflow", {}).get("gpu"):
        return by_driver, by_driver or cuda.get("reason", "TensorFlow is for the CPU")
    return by_driver, ""


def run(plan: Plan) -> dict[str, Any]:
    """Runs all stages that apply and gathers what they found."""
    no_driver, no_gpu = left_out(plan)
    with tempfile.TemporaryDirectory() as home:
        os.environ["KERAS_HOME"] = home  # Keras would leave its settings in the user's home
        groups: list[tuple[list[Stage], str, Callable[[], list[Result]]]] = [
            (CPU_STAGES, "", lambda: in_child(CPU_STAGES, plan, CUDA_VISIBLE_DEVICES="-1")),
            (DRIVER_STAGES, no_driver, lambda: here(DRIVER_STAGES, plan)),
            (
                GPU_STAGES,
                no_gpu,
                lambda: in_child(GPU_STAGES, plan, TF_FORCE_GPU_ALLOW_GROWTH="true"),
            ),
        ]
        stages, failure = [], ""
        for group, reason, runs in groups:
            known = []
            if reason:
                known = [Result("not applicable", reason)] * len(group)
            elif not failure:
                known = runs()
            if known and known[-1].state == "failed":
                failure = (
                    f"{group[len(known) - 1].name} failed: {known[-1].found}; {known[-1].advice}"
                )
            known += [Result("not reached", "")] * (len(group) - len(known))
            stages += [
                {"stage": stage.name, "state": state, "found": found}
                for stage, (state, found, _) in zip(group, known, strict=True)
            ]
    return {
        "schema": 1,
        "ok": not failure,
        "interpreter": sys.executable,
        "stages": stages,
        "failure": failure,
    }


def read(path: Path) -> str:
    """The file's text, "" where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def main() -> None:
    """The command line."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "/etc/grindstone/plan.json")
    plan = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    report = run(plan)
    for stage in report["stages"]:
        print(
            f"  {stage['stage']:<17}{stage['state']:<16}{stage['found']}".rstrip(), file=sys.stderr
        )
    if report["failure"]:
        print(report["failure"], file=sys.stderr)
    print(json.dumps(report, indent=4))


if __name__ == "__main__":
    main()
