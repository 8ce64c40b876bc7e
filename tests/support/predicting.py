"""What is asked of a saved network: pictures, and a worker that only pretends to answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.support import fake_worker
from tests.support.bench_verbs import Done, command

# Says of a photograph its mean, and of a digit that it is its first pixel, with 90 %.
ANSWERS = """
import numpy as np
begin()
asked = job["question"]
assert job["purpose"] == "prediction"
images = np.load(asked["images"], allow_pickle=False)
assert images.dtype == np.uint8
if images.shape[-1] == 1:
    made = np.full((len(images), 10), 0.1 / 9, np.float32)
    made[np.arange(len(images)), images[:, 0, 0, 0]] = 0.9
else:
    made = images.mean((1, 2, 3), np.float32)[:, None] / np.float32(asked["target_scale"])
np.save(asked["answers"], made)
say("done")
wait_for_ever()
"""


def asked(folder: Path, *words: str | Path, worker: str = ANSWERS) -> Done:
    """A verb, by such a worker on the CPU."""
    python = fake_worker.write(folder, worker)
    return command(*words, "--device=cpu", "--plan=/none.json", f"--worker-python={python}")


def photograph(path: Path, lightness: int, side: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side, 3), lightness, np.uint8)).save(path)
    return path


def digit(path: Path, value: int, side: int = 28) -> Path:
    made = np.zeros((side, side), np.uint8)
    made[0, 0] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(made).save(path)
    return path


def shots(folder: Path, seconds: dict[int, int]) -> Path:
    """A folder of photographs: a shot of two for each pull time, of the lightness that is given."""
    for at, (pull, light) in enumerate(seconds.items()):
        for more in (0, 1):
            taken = 1_606_140_000 + 10_000 * at + more
            photograph(folder / str(pull) / f"{taken}-silvia.png", light + more)
    return folder


def digits(folder: Path) -> Path:
    """Both halves: what a picture shows is its first pixel, but for one 9 that looks like a 4."""
    for split in ("train", "test"):
        for value in range(10):
            for number in range(3):
                looks = 4 if (split, value, number) == ("test", 9, 0) else value
                digit(folder / split / str(value) / f"{10 * number + value}.png", looks)
    return folder
