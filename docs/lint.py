"""Makes docs/lint.md from the rules of bench.lint, by `python -m docs.lint`."""

from __future__ import annotations

from pathlib import Path

from bench.lint.rules import RULES

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """\
# Does my script fall into a trap?

Made by `python -m docs.lint` from the rules in `bench/lint/rules/`.

`python -m bench lint my_script.py notebook.ipynb` looks for common mistakes in training scripts and
notebooks that use Keras, and in [files for `--workload`](own-models.md). The files are read and
**never run**, imported or unpickled; no TensorFlow is needed.

```
digits.py:21: dropout-last (certain): dropout behind the last layer (Dropout of line 21)

dropout-last: move it before the last layer with weights
    why: in training it zeroes some of the network's outputs: …
```

Each finding is a line: where, and what was found; below them, once for each rule, what to do and
why. In a notebook the place is `digits.ipynb: cell 3, line 2`, the third code cell; a cell that is
no Python is left out, and a line says so. `certain` follows from the script itself; `suspected` is
what it probably means. **No finding is no proof**: functions of other modules, folders that are not
there and loops over `GradientTape` are not looked into. A line on standard error counts the
networks and calls of `fit` that were seen. PyTorch and JAX are not understood, and a line says so.

| option, comment | |
|---|---|
| `--run` | builds `model()` and reads `data()`, too (below) |
| `--json` | a list of objects: `file`, `where`, `line`, `rule`, `certain`, `what`, `why`, `do` |
| `# lint: ok` | on a line of the script: ignore all findings there |
| `# lint: ok(RULE)` | ignore these rules, with commas between |

Exit status: 0 nothing found, 1 findings, 2 a file cannot be checked (no file, no Python, no Keras
in it, larger than 2 MB, or 100 MB of a notebook). The others are checked nevertheless.

**`--run`**, for a file for `--workload`, **runs the file**: it builds the model and reads the data
in a worker, with the options of `summary` (`--device`, `--worker-python` …). It finds what only
they show: validation images that are also training images, rotated or mirrored ones included, from
1 in 100 on; pixels that are not scaled; misplaced dropout; a loss that doubles with the batch. Data
from generators and tables are not searched for copies.

## The rules

| rule | trap | why it misleads | what to do |
|---|---|---|---|
"""
_TAIL = """
## Where the numbers are from

* `reshuffled-split`: measured with TensorFlow 2.21, 1,000 numbers shuffled and split 800 to 200;
  a `seed` does not help. Of `image_dataset_from_directory`, which shuffles within eight batches,
  68 of 100 were trained on after one epoch.
* `not-rebuilt`, `no-baseline`, `training-score`, `single-trainings`: the posts and the project's
  history that the [experiments](experiments.md) are made of, and the seeds in
  `bench/workloads/evidence.csv`.
* `no-scaling`: the perceptron of `mlp` on 6,000 generated digits, the first of three seeds; its
  test accuracy was 87 % and 90 %.
* `dropout-last`, `dropout-norm`, `loss-sum`, `other-seeds` are arithmetic. `python -m bench
  experiment circles-dropout` and `circles-sum` show two of them.

`dropout-norm` and `dropout-activation` look at the layer directly after a dropout. Dropout before a
ReLU is no finding, as it computes the same on either side; `python -m bench summary` mentions it.

## On public code

On 276 scripts and notebooks of learners from 48 repositories, with 383 networks, it found 46 traps.
Three were false (XOR, where all examples are trained on and tested), and are no longer reported.
On another 2,097 that use Keras, from 38 repositories, with 2,747 networks, it found 280. Two kinds
of those that were read were false (a training in two steps, a score before the training), and are
no longer reported. In 91 of these, read by eye first, it found 12 of 21 traps, and 17 after the
rules were widened by what was missed; nothing that is none, but two that can be argued about. A
scaler that is fitted to all examples before they are split (5 of the 91) is no finding, and not
counted. Known to be missed: the MSE of scikit-learn's `cross_val_score`; a pattern of file names
(`glob`) that also matches the test files; a new example that is scaled by its own mean for a
network that is loaded from a file.

## The same traps in Grindstone's own trainings

There they cannot happen, or are reported. Each has a test below `tests/`:

| trap | what stands against it | test |
|---|---|---|
"""

# A trap, what stands against it in Grindstone's own trainings, and the test that falls into it.
OWN = (
    (
        "no baseline beside an MSE",
        (
            "`-v` and the page have the mean predictor's, and a network that does not beat it is "
            "below its [floor](floors.md)"
        ),
        "unit/test_floors.py: test_photographs_have_to_beat_the_mean_predictor_and_no_more",
    ),
    (
        "duplicates across the split",
        "pictures that are alike stay on one side, which the [note](data.md#grind) says",
        "unit/test_grind_data.py: test_copies_of_a_picture_are_kept_on_one_side_and_reported",
    ),
    (
        "flips across the split",
        "so do mirrored ones",
        "unit/test_grind_data.py: test_a_mirrored_copy_in_another_shot_leaks_no_more_than_a_copy",
    ),
    (
        "a split by image",
        "the split, its folds and what is held out are by shot",
        "unit/test_photographs.py: test_no_shot_and_no_picture_is_ever_on_both_sides",
    ),
    (
        "scoring on the training data",
        "`evaluate` knows [what was trained on](predict.md#evaluating), and leaves it out",
        "unit/test_predict.py: test_who_is_judged_on_what_it_was_trained_on_is_told_so",
    ),
    (
        "the best epoch as the result",
        "the quality is that of the last epoch",
        (
            "unit/test_experiments.py: "
            "test_the_quality_that_counts_is_the_last_epochs_and_never_the_best"
        ),
    ),
    (
        "a difference smaller than the spread",
        "it is `UNCLEAR`, with how many seeds would show it",
        (
            "unit/test_experiments.py: "
            "test_a_difference_within_the_spread_is_unclear_and_says_how_many_seeds_it_takes"
        ),
    ),
    (
        "no input scaling",
        "the data have one scale for training and testing; of a file of one's own `--run` looks",
        "unit/test_lint_built.py: test_pixels_that_are_not_scaled_are_seen",
    ),
    (
        "a squashed aspect",
        "the note says so, with both sizes",
        "unit/test_grind_data.py: test_a_squashed_aspect_is_told",
    ),
    (
        "another resize when predicting",
        "the same function makes the pictures for both",
        "unit/test_predict.py: test_a_photograph_is_made_as_those_in_training_were",
    ),
    (
        "loss by sum",
        "all take the mean; `experiment circles-sum` shows what a sum does",
        (
            "training/test_on_request.py: "
            "test_the_sum_of_an_image_s_squares_is_so_many_times_their_mean"
        ),
    ),
    (
        "dropout after the last layer",
        "`summary` names it; `experiment circles-dropout` shows what it does",
        (
            "unit/test_learners_tools.py: "
            "test_dropout_belongs_behind_the_relu_and_before_a_layer_with_weights"
        ),
    ),
    (
        "a model that is not rebuilt",
        "each training is a process of its own, and one that is good before its first step fails",
        "unit/test_floors.py: test_a_network_that_is_good_before_its_first_step_was_not_built_anew",
    ),
)


def page() -> str:
    """docs/lint.md."""
    rules = [f"| `{rule.name}` | {rule.trap} | {rule.why} | {rule.do} |" for rule in RULES]
    own = [f"| {trap} | {against} | `{test}` |" for trap, against, test in OWN]
    return _HEAD + "\n".join(rules) + "\n" + _TAIL + "\n".join(own) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
