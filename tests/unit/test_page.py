"""The page: valid, whole, the same for whoever reads it, and nothing of it is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bench import __main__ as command
from bench.errors import GrindstoneError
from bench.page import content, films, gpu, plots
from bench.page.history import Past
from bench.page.write import of_fleet, page, write
from bench.record.head import Due
from bench.record.model import Finished, Record
from bench.record.telemetry import ByEpoch
from bench.report import format as shown
from bench.report import rows
from tests.conftest import ROOT
from tests.support import pages, records
from tests.support.records import CPU, H100, WORKER, failed, machine, record, result

_LARGEST = 1_500_000  # bytes
NO_GPU = machine(driver=None, why_no_gpu="no NVIDIA driver installed", devices=(CPU,))


def parsed(text: str) -> list[tuple[str, dict[str, str]]]:
    """The elements with their attributes; what is no valid HTML is refused."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree = parser.parse(text)
    return [(str(each.tag).rpartition("}")[2], dict(each.attrib)) for each in tree.iter()]


@pytest.fixture(scope="module")
def full() -> str:
    return page([(pages.full(), None)])


def test_it_is_valid_and_holds_a_plot_for_what_was_measured(full: str) -> None:
    names = [name for name, _ in parsed(full)]
    # By workload: speeds, epochs, three strips, loss, quality; the one to a target; one over all.
    assert names.count("svg") == names.count("figure") == names.count("figcaption") == 5 * 7 + 2
    assert names.count("h1") == 1
    assert names.count("table") == 1


def test_the_verdict_comes_first(full: str) -> None:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", full, flags=re.DOTALL)
    words = " ".join(text.partition("Grindstone:")[2].split())
    assert "times as fast as the CPU" in words[:160]
    assert "PASSED" in words[:260]


def test_nothing_comes_from_elsewhere_and_nothing_runs(full: str) -> None:
    for name, attributes in parsed(full):
        assert name not in ("script", "link", "img", "iframe", "object", "use", "image")
        for attribute, value in attributes.items():
            assert not attribute.lower().startswith("on")
            if attribute.rpartition("}")[2] in ("href", "src"):
                assert value.startswith("#")
    assert "url(" not in full
    assert "@import" not in full


def test_the_same_run_has_the_same_page(full: str) -> None:
    assert page([(pages.full(), None)]) == full


def test_a_full_run_is_no_burden() -> None:
    assert len(page([(pages.full(199), None)]).encode()) < _LARGEST


def test_every_plot_says_in_a_sentence_what_it_shows() -> None:
    for workload in pages.shown(pages.full()).workloads:
        for plot in workload.plots:
            assert plot.sentence.endswith(".")
            assert re.search(r"\d", plot.sentence)


def test_epochs_begin_behind_the_first_one() -> None:
    made = record([result("mlp", seconds=(9.0, 1.0, 2.0, 1.5))], machine=NO_GPU)
    (mlp,) = pages.shown(made).workloads
    (epochs,) = (plot for plot in mlp.plots if plot.title == "mlp: epoch by epoch")
    assert epochs.sentence == (
        "Time of each steady epoch. cpu: 1 s to 2 s, after a first one of 9 s."
    )


def test_earlier_runs_are_shown_with_the_step_they_took() -> None:
    made = record([result("mlp")], machine=NO_GPU)
    (mlp,) = pages.shown(made, pages.past(made, [1.0] * 9 + [1.6] * 6)).workloads
    (history,) = (plot for plot in mlp.plots if "runs on this machine" in plot.title)
    assert "15 comparable runs, 1.6 s in the last one; a step after" in history.sentence
    assert "1 s before, 1.6 s since" in history.sentence
    (mlp,) = pages.shown(made, pages.past(made, [1.0])).workloads
    assert not any("runs on this machine" in plot.title for plot in mlp.plots)


def test_a_learning_curve_begins_before_the_first_step_and_has_its_floor() -> None:
    trained = result("mlp")
    timed = replace(
        trained.epochs, quality=(0.9, 0.95, 0.97, 0.981), training=(0.1, 0.91, 0.96, 0.98, 0.99)
    )
    (mlp,) = pages.shown(record([replace(trained, epochs=timed)], machine=NO_GPU)).workloads
    (curve,) = (plot for plot in mlp.plots if "on the test images" in plot.title)
    assert curve.sentence == (
        "cpu 10.00 % before the first step, 98.10 % after the last epoch; training images 99.00 %. "
        "Where it began is too far off to be drawn."
    )
    assert "required: 97.50 %" in curve.svg
    assert "cpu, training images" in curve.svg
    drawn = set(re.findall(r'<desc class="value">([\d.]+)', curve.svg))
    assert {"90", "95", "98.1"} <= drawn, "per cent, as in the table"
    assert ">accuracy, %</text>" in curve.svg


def test_a_quality_s_axis_has_the_unit_of_the_table() -> None:
    told = [shown.axis(name) for name in ("mse", "accuracy", "val_top_acc", "f1")]
    assert told == [("MSE, s²", 1), ("accuracy, %", 100), ("val_top_acc, %", 100), ("f1", 1)]
    assert shown.quality("val_top_acc", 0.98) == "98.00 %"


def test_without_a_curve_the_end_is_a_dot_beside_floor_and_bound() -> None:
    made = [result("post"), result("post", H100)]
    (post,) = pages.shown(record(made)).workloads
    (plot,) = (plot for plot in post.plots if "on the test images" in plot.title)
    assert [mark in plot.svg for mark in ("series-1 marks", "series-2 marks")] == [True, True]
    assert "required: 90.0 s²</li>" in plot.svg
    assert "no better without a leak: " in plot.svg
    assert "A dot alone: not judged in between, as --learning-curve has it." in plot.sentence
    diverged = replace(made[0], quality=replace(made[0].quality, value=None))
    (post,) = pages.shown(record([diverged])).workloads
    assert not any("on the test images" in plot.title for plot in post.plots)


def test_a_learning_curve_has_its_dips_and_its_overfitting_marked_and_told() -> None:
    (mlp,) = pages.shown(record([pages.learned()], machine=NO_GPU)).workloads
    (curve,) = (plot for plot in mlp.plots if "on the test images" in plot.title)
    assert "dips to 97.00 % after epoch 3" in curve.sentence
    assert "overfits from epoch 8 on" in curve.sentence
    assert '<li class="series-3 marks">cpu, dips</li>' in curve.svg, "the legend"
    assert "cpu, overfits from here on" in curve.svg


def test_a_posts_own_figures_stand_beside_those_measured_here() -> None:
    made = record([result("mlp"), result("mlp", H100, seconds=(2, 0.25, 0.25)), result("convnet")])
    mlp, convnet = pages.shown(made).workloads
    assert any(
        "CPU: about 4 s an epoch (a learner's post of 2017" in line and "on cpu" in line
        for line in mlp.sentences
    )
    assert any("GPU: near 0 s" in line and "250 ms on gpu:0" in line for line in mlp.sentences)
    assert not any("2017" in line for line in convnet.sentences)
    few = result("mlp", dataset=replace(records.dataset(), train_images=6_000))
    (mlp,) = pages.shown(record([few])).workloads
    assert not any("2017" in line for line in mlp.sentences), "another epoch"


def test_what_a_gpu_is_worth_over_all_workloads_is_the_first_plot(full: str) -> None:
    made = [
        result(name, device, seconds=(9.0, *seconds))
        for name, device, seconds in (
            ("mlp", CPU, (1.0, 1.2, 0.9)),
            ("mlp", H100, (0.1, 0.1, 0.08)),
            ("post", CPU, (4.0, 4.0, 4.0)),
            ("post", H100, (0.1, 0.1, 0.1)),
        )
    ]
    worth = pages.shown(record(made)).worth
    assert worth is not None
    assert worth.sentence.endswith("to the reverse: mlp 10, post 40.")
    assert worth.sentence.count(",") == 1
    assert full.index("How many times as fast as the CPU</h2>") < full.index("<h2>mlp</h2>")
    assert pages.shown(record(made[:2])).worth is None, "the plot of the workload shows it"


def test_every_setting_is_told() -> None:
    asked = records.settings(
        devices=("cpu", "gpu:0"),
        against="best",
        data_dir="/data",
        repeats=24,
        interim_checks=(12, 24),
        rerun_options=("--profile", "full"),
    )
    facts = dict(pages.shown(record([result("mlp")], settings=asked)).facts)
    told = dict(facts["Settings"])
    # A line for each member of the record; repeats, and when they are looked at, are one.
    assert len(told) == len(asked.__struct_fields__) - 1
    assert told["Devices"] == "cpu, gpu:0"
    assert told["Compared with"] == "best"
    assert told["Data folder"] == "/data"
    assert told["Repeats"] == "24 at most, looked at after 12 and 24"
    assert told["The same again"] == "pytest bench/ -k mlp --device cpu,gpu:0 --profile full"
    timeouts = "300 s to start, 1,800 s for the first epoch, 120 s for a "
    assert told["Worker timeouts"].startswith(timeouts)


def test_of_several_runs_each_has_a_heading_above_those_of_its_parts() -> None:
    made = record([result("mlp")])
    ranks = [
        int(name[1]) for name, _ in parsed(page([(made, None)] * 2)) if re.fullmatch(r"h\d", name)
    ]
    assert ranks[:3] == [1, 2, 3]
    assert ranks.count(2) == 2
    assert max(ranks) == 4


def test_a_plot_that_two_runs_have_is_called_otherwise_in_each() -> None:
    text = page([(record([result("mlp")]), None)] * 2)
    names = [attributes["id"] for _, attributes in parsed(text) if "id" in attributes]
    assert len(names) == len(set(names)) > 2
    picture = plots.Plot("a film", "It moves.", films.image("gif", b"GIF"))
    assert picture.within(2) == picture.svg


def test_what_failed_is_in_the_table_and_has_no_plots() -> None:
    made = record([failed("mlp", CPU, "the worker was killed\nby <b>somebody</b>")])
    text = page([(made, None)])
    assert "FAILED: the worker was killed" in text
    assert "svg" not in [name for name, _ in parsed(text)]


def test_what_was_not_trained_is_the_first_warning(tmp_path: Path) -> None:
    due = tuple(Due(title=f"{name} on cpu", workload=name) for name in ("mlp", "post"))
    stopped = failed("post", CPU, "post on cpu: interrupted")
    made = record([result("mlp"), stopped], due=due, words=("--synthetic",))
    warnings = content.run(made, tmp_path / "run.json", Past(made)).warnings
    assert warnings[0].startswith("Not trained: 1 of 2: post on cpu. To train: pytest bench/ --syn")


def test_several_runs_have_a_list_of_them_first() -> None:
    text = page([(record([result("mlp")]), None)] * 2)
    links = [attributes["href"] for name, attributes in parsed(text) if name == "a"]
    assert links == ["#run-1", "#run-2"]


def test_a_fleet_has_its_table_first_and_says_who_is_odd_and_who_has_no_record() -> None:
    text = of_fleet(pages.fleet("<b>no</b> & never"))
    names = [name for name, _ in parsed(text)]
    assert names.index("table") < names.index("article")
    assert ("td", {"class": "odd"}) in parsed(text)
    assert "b" not in names
    assert "gpu4: no record: &lt;b&gt;no&lt;/b&gt; &amp; never" in text
    assert "gpu3 gpu:0: slower than its 2 twins: mlp 20 %" in text
    assert "<h2>gpu1, 2026-11-21 12:00 UTC</h2>" in text


def test_many_runs_have_their_figures_and_no_plots() -> None:
    text = page([(record([result("mlp")]), None)] * 5)
    assert "svg" not in [name for name, _ in parsed(text)]
    assert text.count("<article") == 5
    assert "on the pages of their own" in text


def test_the_verb_writes_the_page_of_a_folder_into_it(tmp_path: Path) -> None:
    for name in ("gpu1", "gpu2"):
        records.write(tmp_path, f"{name}.json", record([result("mlp")]))
    assert command.main(["page", str(tmp_path)]) == 0
    assert "<h1>Fleet: 2 hosts</h1>" in (tmp_path / "fleet.html").read_text(encoding="utf-8")


_HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "</title></svg><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% for x in y %}",
    "javascript:alert(1)",
    "<!--",
    "]]>",
    "&lt;b&gt;",
)


def _with(text: str) -> Record:
    """A record in which everything that others name is named so."""
    gpu = replace(H100, name=text)
    set_ = {"TF_XLA_FLAGS": text}
    worker = replace(WORKER, pinned=replace(WORKER.pinned, environment=set_), device=text)
    trained = result("mlp", gpu, worker=worker)
    trained = replace(
        trained, workload=text, dataset=replace(trained.dataset, note=text, name="mnist")
    )
    made = record([result("mlp"), trained, failed("mlp", gpu, text)])
    machine = replace(made.machine, host=text, system=text, kernel=text)
    return replace(made, machine=machine, settings=replace(made.settings, data_dir=text))


@settings(max_examples=8)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
@example(" ".join(_HOSTILE))
@example("".join(reversed(_HOSTILE)))
def test_what_others_wrote_is_text(text: str) -> None:
    made = _with(text)
    written = page([(made, None)])
    elements = parsed(written)
    assert {"script", "img", "b"}.isdisjoint(name for name, _ in elements)
    assert not any(
        attribute.startswith("on") for _, attributes in elements for attribute in attributes
    )
    tree = html5lib.parse(written, namespaceHTMLElements=False)
    assert " ".join(text.split()) in " ".join(" ".join(tree.itertext()).split())


def test_a_page_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "page.html"
    folder.mkdir()
    with pytest.raises(GrindstoneError, match=r"page\.html cannot be written: .*--html"):
        write(page([(record([result("mlp")]), None)]), folder)
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_the_verb_writes_the_page_of_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "page.html"
    assert command.main(["page", str(ROOT / "docs" / "record.json"), f"--html={made}"]) == 0
    assert capsys.readouterr().out.strip() == str(made)
    text = made.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "Ubuntu 24.04.3 LTS, 2026-11-27 02:55 UTC" in text, "its host's name is withheld"
    assert isinstance(pages.full().results[0], Finished)


def _watched(**seen: Any) -> Record:
    telemetry = records.telemetry(
        clocks={"sm": 1667.1, "sm_limit": 1980.0},
        power={"mean": 687.2, "limit": 700.0, "idle": 70.6},
        temperature=67.0,
        memory={"peak": 1_464_205_312, "total": 85_520_809_984},
        pcie={"generation": 5, "width": 16},
        **seen,
    )
    return record([result("mlp", H100, telemetry=telemetry)])


def test_what_the_gpu_did_stands_beside_what_it_can() -> None:
    seen = _watched(throttled={"power": 0.66, "thermal": 0.0})
    headings, cells = gpu.figures(rows.finished(seen.results), lambda _: "gpu:0")
    assert dict(zip(headings, cells[0], strict=True)) == {
        "Training": "gpu:0",
        "SM clock": "1,667 of 1,980 MHz",
        "Power": "687 of 700 W",
        "Power before": "71 W",
        "Highest temperature": "67 °C",
        "Memory": "1.46 GB of 85.5 GB",
        "PCIe": "5 ×16",
        "Held down by": "power limit for 660 ms",
    }
    assert "Held down by" not in gpu.figures(rows.finished(_watched().results), lambda _: "")[0]
    assert "<caption>mlp: the GPU over the steady epochs" in page([(seen, None)])
    nothing = page([(record([result("mlp", H100, telemetry=records.telemetry())]), None)])
    assert "the GPU over" not in nothing


def test_a_tenth_of_a_watt_more_is_no_hill() -> None:
    by_epoch = ByEpoch((1980.0, 1980.0), (120.2, 120.4), (38.0, None))
    seen = result("mlp", H100)
    seen = replace(seen, telemetry=replace(records.telemetry(), by_epoch=by_epoch))
    clock, power, heat = gpu.strips([seen], lambda _: "gpu:0")
    assert "Mean of each steady epoch: 1980 MHz." in clock.sentence
    assert heat.sentence.endswith(": 38 °C.")
    marks = re.findall(r">(\d+(?:\.\d+)?)</text>", power.svg)
    watts = [mark for mark in map(float, marks) if mark > 10]  # the others are epochs
    assert max(watts) - min(watts) > 15, watts
