"""What the user asks for, and the refusal where nothing fits."""

from __future__ import annotations

from ..requirements import msgspec
from .stack_rows import TITLES, Framework


class RefusedError(ValueError):
    """No plan fits.  The text is one line: what was found, what was expected, what to do.

    nearest: whether another option may help, so that the resolver looks for one that does.
    """

    def __init__(self, found: str, expected: str, do: str = "", *, nearest: bool = False) -> None:
        super().__init__(f"found {found}; expected {expected}: {do}")
        self.found, self.expected, self.do, self.nearest = found, expected, do, nearest

    def with_advice(self, advice: str) -> RefusedError:
        """The same refusal, with one more thing to do."""
        parts = [part for part in (self.do, advice) if part] or ["use another host"]
        return RefusedError(self.found, self.expected, ", or ".join(parts))


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the user asks for.

    prefix: the folder that everything is installed below.
    python: the Python to use, such as "3.12"; "" lets the resolver choose.  "3.1" is 3.10: so YAML
        reads it where it is not quoted.
    framework: what trains below Keras: "" or "tensorflow", "jax" or "torch".
    tensorflow: the version of TensorFlow, "" for the newest that fits.
    tensorflow_wheel: a wheel of TensorFlow to take in place of that one's, "" for none.
    driver: "" lets the resolver choose, "keep" keeps the one that is there, "skip" never looks at
        it, a branch such as "580" pins it.
    driver_origin: where a driver comes from if one has to be installed: "distribution" or "nvidia";
        "" for that of the driver that is there, NVIDIA's where its repository is set up, else the
        distribution, or NVIDIA's where the distribution's is too old.
    ignore_gpus: the addresses of GPUs that the plan leaves out.
    cuda: "wheels", "system", or "none" for the driver alone with TensorFlow for the CPU.
    container: an image to train in, by its digest, in place of an environment, "" for none.
    container_engine: "podman" or "docker", "" lets the resolver choose.
    reboot: whether the host may be rebooted where the driver needs it.
    """

    prefix: str = "/opt/grindstone"
    python: str = ""
    framework: str = ""
    tensorflow: str = ""
    tensorflow_wheel: str = ""
    driver: str = ""
    driver_origin: str = ""
    ignore_gpus: tuple[str, ...] = ()
    cuda: str = "wheels"
    container: str = ""
    container_engine: str = ""
    reboot: bool = True

    @property
    def branch(self) -> str:
        """The driver's branch that is asked for, "" for none."""
        return self.driver if self.driver.isdigit() else ""

    @property
    def trains(self) -> Framework:
        """The framework."""
        return next((name for name in TITLES if name == self.framework), "tensorflow")

    def _check_framework(self) -> None:
        of_tensorflow = {"tensorflow": self.tensorflow, "tensorflow_wheel": self.tensorflow_wheel}
        for name, value in of_tensorflow.items():
            if value and self.trains != "tensorflow":
                raise RefusedError(
                    f"plan_framework={self.framework} and plan_{name}={value}",
                    "one of the two",
                    "leave the other empty",
                )

    def check(self) -> None:
        """Raises RefusedError where a value is none that the option takes."""
        if not self.prefix.startswith("/"):
            raise RefusedError(
                f"plan_prefix=«{self.prefix}»",
                f"an absolute path, such as {Options().prefix}",
                "name one that starts with /",
            )
        for name, value, taken in (
            ("cuda", self.cuda, ("wheels", "system", "none")),
            ("framework", self.framework, ("", *TITLES)),
            ("driver_origin", self.driver_origin, ("", "distribution", "nvidia")),
        ):
            if value not in taken:
                named = " or ".join(filter(None, taken))
                raise RefusedError(f"plan_{name}={value}", named, "name one of these")
        self._check_framework()
        if self.driver not in ("", "keep", "skip") and not self.branch:
            raise RefusedError(
                f"plan_driver={self.driver}",
                "keep, skip, or a branch such as 580",
                "name one of these, or leave it empty",
            )
