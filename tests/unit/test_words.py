from __future__ import annotations

from typing import Any

from bench.record.bridge import telemetry as old_telemetry
from bench.report import words
from tests.unit.entries import CPU, GT1030, H100, failed, finished, head
from tests.unit.test_telemetry import Bench


def test_without_a_gpu_it_names_the_cpu_its_threads_and_its_longest_epoch() -> None:
    entries = [finished("mlp", seconds=(3.0, 1.0, 1.0)), finished("post", seconds=(90.0, 75, 75))]
    assert words.sentence(entries, head()) == (
        f"With no GPU to compare with, the longest epoch of this CPU ({CPU.name}, 2 threads) is "
        "post's, with 75 s, and every network learned what it should."
    )


def test_a_faster_gpu_is_told_by_its_least_and_its_greatest_gain() -> None:
    entries = [
        finished("mlp", CPU, seconds=(3.0, 2.0, 2.0)),
        finished("mlp", H100, seconds=(3.0, 0.5, 0.5)),
        finished("post", CPU, seconds=(90.0, 80.0, 80.0)),
        finished("post", H100, seconds=(9.0, 2.0, 2.0)),
    ]
    assert words.sentence(entries, head(None)) == (
        f"gpu:0 ({H100.name}) trains 4.0 (mlp) to 40.0 (post) times as fast as this CPU, "
        "and every network learned what it should."
    )


def test_a_gpu_that_is_slower_on_everything_is_said_to_be_worth_nothing() -> None:
    entries = [
        finished("mlp", CPU, seconds=(3.0, 1.0, 1.0)),
        finished("mlp", GT1030, seconds=(3.0, 2.0, 2.0)),
    ]
    sentence = words.sentence(entries, head(None))
    assert "gpu:1 (NVIDIA GeForce GT 1030) trains 0.5 times as fast as this CPU on mlp" in sentence
    assert "it is worth nothing" in sentence


def test_each_of_two_gpus_has_its_part_of_the_sentence() -> None:
    entries = [
        finished("mlp", CPU, seconds=(3.0, 1.0, 1.0)),
        finished("mlp", H100, seconds=(3.0, 0.1, 0.1)),
        finished("mlp", GT1030, seconds=(3.0, 0.5, 0.5)),
    ]
    sentence = words.sentence(entries, head(None))
    assert f"gpu:0 ({H100.name}) trains 10.0 times" in sentence
    assert "gpu:1 (NVIDIA GeForce GT 1030) trains 2.0 times" in sentence
    assert "worth nothing" not in sentence


def test_a_gpu_alone_has_no_ratio_and_the_sentence_says_why() -> None:
    sentence = words.sentence([finished("mlp", H100, seconds=(3.0, 0.1, 0.1))], head(None))
    assert sentence.startswith(f"With no CPU run beside it, gpu:0 ({H100.name}) has no ratio")


def test_a_missed_floor_ends_the_sentence_in_a_warning() -> None:
    sentence = words.sentence([finished("mlp", quality=0.5), finished("convnet")], head())
    assert sentence.endswith("and do not count on mlp on cpu, for the reasons above.")


def test_a_failure_ends_the_sentence_in_a_warning_too() -> None:
    entries = [finished("mlp"), failed("mlp", H100, "killed")]
    sentence = words.sentence(entries, head(None))
    assert sentence.endswith("and do not count on mlp on gpu:0, for the reasons above.")


def test_where_nothing_finished_nothing_is_claimed() -> None:
    entries = [failed("mlp", CPU, "killed")]
    assert words.sentence(entries, head()) == "Nothing was trained to its end."


def test_each_failure_is_one_line_below_the_table() -> None:
    entries = [
        failed("mlp", CPU, "mlp on cpu: worker killed by SIGKILL\nits last lines:\n    bang"),
        finished("convnet"),
        failed("post", CPU, "the cache cannot be written", read=False),
    ]
    assert words.failures(entries) == [
        "failed: mlp on cpu: worker killed by SIGKILL",
        "failed: the cache cannot be written",
    ]


def test_each_source_is_named_once() -> None:
    entries = [
        finished("mlp", note="MNIST from /data"),
        finished("convnet", note="MNIST from /data"),
        finished("post", note="synthetic: drawn coffee particles"),
        failed("post", H100, "killed", read=False),
    ]
    assert words.sources(entries) == [
        "mnist: MNIST from /data",
        "grind: synthetic: drawn coffee particles",
    ]


def test_what_was_pinned_and_which_versions_trained_is_one_line_where_all_were_alike() -> None:
    one = finished("mlp")
    lines = words.trained_with([one, finished("convnet"), failed("post", CPU, "killed")])
    assert len(lines) == 1
    assert "TensorFlow 2.21.0, Keras 3.15.1, NumPy 2.4.0, Python 3.11.2" in lines[0]
    assert "on every device alike: XLA off, float32 (TF32 allowed)" in lines[0]
    other = finished("mlp", H100)
    other["worker"] = {**one["worker"], "tensorflow": "2.20.0"}
    assert len(words.trained_with([one, other])) == 2


def test_what_tuning_gains_is_told_for_each_device() -> None:
    entries = [
        finished("mlp", CPU, seconds=(3.0, 2.0, 2.0)),
        finished("mlp", CPU, seconds=(3.0, 1.0, 1.0), mode="tuned"),
        finished("convnet", CPU, seconds=(9.0, 6.0, 6.0)),
        finished("convnet", CPU, seconds=(9.0, 5.0, 5.0), mode="tuned"),
        finished("mlp", H100, seconds=(3.0, 0.4, 0.4)),
        finished("mlp", H100, seconds=(3.0, 0.1, 0.1), mode="tuned"),
        finished("mlp", GT1030, seconds=(3.0, 0.4, 0.4)),
        failed("mlp", GT1030, "mlp on gpu:1, tuned: worker killed", mode="tuned"),
    ]
    assert words.tuning(entries) == [
        "tuned, the same training on cpu is 1.2 (convnet) to 2.0 (mlp) times as fast as stock",
        "tuned, the same training on gpu:0 is 4.0 times (mlp) as fast as stock",
    ]


def test_what_a_gpu_is_worth_is_told_of_stock_where_both_modes_were_trained() -> None:
    entries = [
        finished("mlp", CPU, seconds=(3.0, 2.0, 2.0)),
        finished("mlp", CPU, seconds=(3.0, 1.0, 1.0), mode="tuned"),
        finished("mlp", H100, seconds=(3.0, 0.5, 0.5)),
        finished("mlp", H100, seconds=(3.0, 0.01, 0.01), mode="tuned"),
    ]
    assert "trains 4.0 times as fast as this CPU on mlp" in words.sentence(entries, head(None))
    tuned = [entry for entry in entries if entry["mode"] == "tuned"]
    assert "trains 100.0 times as fast as this CPU on mlp" in words.sentence(tuned, head(None))


def test_where_xla_was_on_is_said() -> None:
    entries = [
        finished("mlp", CPU),
        finished("mlp", H100),
        finished("mlp", H100, mode="tuned", xla=True),
    ]
    (line,) = words.trained_with(entries)
    assert "on every device alike: XLA off (on: tuned on gpu:0), float32" in line


# ---- verdicts and what was seen of the GPUs


def _seen(kind: str = "hopper", **functions: Any) -> dict[str, Any]:
    bench = Bench(kind)
    bench.nvml.functions |= functions
    return old_telemetry(bench.result()) or {}


def test_where_fit_paused_before_epochs_one_line_says_for_how_long_and_what_mends_it() -> None:
    entries = [
        finished("mlp", paused=(0.02, 1.02, 0.01, 1.04)),
        finished("convnet", paused=(0.02, 0.0, 0.01, 0.6)),
        finished("cnn_simple", paused=(0.9, 0.1, 0.1, 0.1)),
        finished("cnn_large", mode="tuned"),
        failed("post", CPU, "it hung"),
    ]
    (line,) = words.pauses(entries)
    assert line.startswith(
        "fit() paused before steady epochs, which is not in their times: mlp on cpu 1.03 s (before "
        "2 of 3), convnet on cpu 600 ms (before 1 of 3); it waits for tf.data's autotuner to end: "
    )
    assert "options.autotune.enabled = False" in line
    assert words.pauses(entries[2:]) == []


def test_a_pause_beside_a_long_epoch_is_not_worth_a_line() -> None:
    assert words.pauses([finished("post", seconds=(90.0, 80.0), paused=(0.0, 3.9))]) == []
    assert words.pauses([finished("post", seconds=(90.0, 80.0), paused=(0.0, 4.1))]) != []


def test_a_flagged_row_has_a_line_with_its_evidence_and_what_mends_it() -> None:
    noisy = finished("convnet", seconds=(9.0, 2.0, 1.5, 2.5))
    (line,) = words.flagged([finished("mlp"), noisy, failed("post", CPU, "killed")])
    assert line == (
        "NOISY: convnet on cpu: its steady epochs spread by 25 % around their median; cause "
        "unknown; to mend it: pytest bench/ -k convnet --device cpu --profile full, with nothing "
        "else running"
    )


def test_a_lost_gpu_has_a_line_with_its_epoch() -> None:
    lost = {"epoch": 4, "seconds_into_it": 0.84, "why": "GPU is lost"}
    entry = failed("mlp", H100, "worker ended", telemetry={"lost": lost})
    (line,) = words.lost([entry, finished("mlp")])
    assert line.startswith(f"GPU lost: gpu:0 ({H100.name}), 0.8 s into epoch 4 of mlp: GPU is lost")
    assert "dmesg" in line


def test_a_gpu_lost_before_any_epoch_ended_has_a_line_too() -> None:
    lost = {"epoch": 1, "seconds_into_it": None, "why": "GPU is lost"}
    (line,) = words.lost([failed("mlp", H100, "worker ended", telemetry={"lost": lost})])
    assert "in epoch 1 of mlp" in line


def test_what_watching_has_cost_is_one_line() -> None:
    seen = {**_seen(), "interval": 0.1, "cpu_seconds": 0.02, "watched": 10.0}
    entries = [finished("mlp"), finished("mlp", H100, telemetry=seen)]
    assert words.watching(entries) == [
        "telemetry: 10 readings a second; its thread took 0.20 % of one CPU"
    ]
    assert words.watching([finished("mlp")]) == []


def test_a_link_that_is_narrower_than_it_could_be_is_told_once() -> None:
    narrow = _seen(nvmlDeviceGetCurrPcieLinkWidth=4, nvmlDeviceGetCurrPcieLinkGeneration=3)
    entries = [finished(name, H100, telemetry=narrow) for name in ("mlp", "convnet")]
    assert words.hardware(entries) == [
        f"gpu:0 ({H100.name}): its PCIe link ran at generation 3 of 5",
        f"gpu:0 ({H100.name}): its PCIe link ran at ×4 of ×16",
    ]


def test_memory_that_fails_is_told() -> None:
    seen = _seen(
        nvmlDeviceGetTotalEccErrors=[2, 5], nvmlDeviceGetRemappedRows={"rows": [0, 1, 1, 0]}
    )
    lines = words.hardware([finished("mlp", H100, telemetry=seen)])
    assert "3 memory errors that could not be corrected" in lines[0]
    assert "ROW_REMAPPER" in lines[1]


def test_of_a_healthy_gpu_nothing_is_told() -> None:
    assert words.hardware([finished("mlp", H100, telemetry=_seen()), finished("mlp")]) == []
