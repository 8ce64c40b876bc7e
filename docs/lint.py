"""Makes docs/lint.md from the rules of bench.lint, by `python -m docs.lint`."""

from __future__ import annotations

from pathlib import Path

from bench.lint.rules import RULES

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """\
# Does my script fall into a trap?

Made by `python -m docs.lint` from the rules in `bench/lint/rules/`.

`python -m bench lint my_script.py notebook.ipynb` looks for the traps that learners fall into: in
training scripts and notebooks that use Keras, and in [files for `--workload`](own-models.md). The
files are read and **never run**, imported or unpickled; no TensorFlow is needed.

```
digits.py:21: dropout-last (certain): dropout behind the last layer (Dropout of line 21); while …
```

A line a finding: where, what was found, why it misleads, what to do. Of a notebook it is
`digits.ipynb: cell 3, line 2`, the third of its code cells. `certain` is what the script says
itself; `suspected` is what it probably means. What a script does not say (a function of another
module, a folder that is not there, a loop of one's own over `GradientTape`) is not guessed at:
**no finding is no proof**. A last line tells how many networks and calls of `fit` were seen.
PyTorch and JAX are not understood, which is said.

| option, comment | |
|---|---|
| `--run` | builds `model()` and reads `data()`, too (below) |
| `--json` | a list of objects: `file`, `where`, `line`, `rule`, `certain`, `what`, `why`, `do` |
| `# lint: ok` | in a line of the script: what is found there is meant so |
| `# lint: ok(RULE)` | of these rules alone, with commas between |

Exit status: 0 nothing found, 1 findings, 2 a file cannot be looked at (no file, no Python, no
Keras in it, larger than 2 MB, or 100 MB of a notebook). The others are looked at nevertheless.

**`--run`**, of a file for `--workload`, builds its model and reads its data as well, in a worker
and with the options of `summary` (`--device`, `--worker-python` …). This runs the file. It tells
what only they show: validation pictures that are among the training pictures, as they are, turned
or mirrored, from 1 in 100 on; pixels that are not scaled; a dropout between the built layers; a
loss that doubles where the batch does. Data from generators and tables are not looked at for
copies.

## The rules

| rule | trap | why it misleads | what to do |
|---|---|---|---|
"""
_TAIL = """
## Where the numbers are from

* `reshuffled-split`: measured with TensorFlow 2.21, 1,000 numbers shuffled and parted 800 to 200;
  a `seed` does not help. Of `image_dataset_from_directory`, which shuffles within eight batches,
  68 of 100 were trained on after one epoch.
* `not-rebuilt`, `no-baseline`, `training-score`, `single-trainings`: the posts and the project's
  history that the [experiments](experiments.md) are made of, and the seeds in
  `bench/workloads/evidence.csv`.
* `no-scaling`: the perceptron of `mlp` on 6,000 drawn digits, the first of three seeds; its
  accuracy on others was 87 % and 90 %.
* `dropout-last`, `dropout-norm`, `loss-sum`, `other-seeds` are arithmetic. `python -m bench
  experiment circles-dropout` and `circles-sum` show two of them.

`dropout-norm` and `dropout-activation` look at what stands directly behind a dropout layer. Before
a ReLU it is not a finding: it computes the same on either side, and `python -m bench summary`
tells of it.

## The same traps in Grindstone's own trainings

They are not looked for there but cannot happen, or are said: see [experiments](experiments.md)
(differences within the spread are `UNCLEAR`; the last epoch counts, never the best; each training
builds its network in a process of its own), [data](data.md) (shots stay whole, copies and flips
stay on one side, a squashed aspect is said) and [floors](floors.md) (the mean predictor stands
beside each MSE).
"""


def page() -> str:
    """docs/lint.md."""
    rows = [f"| `{rule.name}` | {rule.trap} | {rule.why} | {rule.do} |" for rule in RULES]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
