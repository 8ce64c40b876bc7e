"""`./run doctor --explain`: a text in, an answer out, and nothing of the text is ever run."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.plugin_utils.gpu_doctor import normalization, rows
from plugins.plugin_utils.gpu_doctor.pasted import answer, answer_log, host_of
from plugins.plugin_utils.gpu_doctor.report import explain
from plugins.plugin_utils.gpu_doctor.scan import SHORT
from tests.support.program import SUMMARY, inventory, playbook, to_the_end

ROOT = Path(__file__).parents[2]
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"
JOURNAL = "Nov 25 10:00:01 gpu1 app[12]: "
EVIL = '{{ lookup("pipe", "touch ran") }} {% if %} $(touch ran) `touch ran` a=b "c'


def doctor(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "plugins.plugin_utils.gpu_doctor", *arguments],
        cwd=ROOT,
        input=text,
        capture_output=True,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def told(text: str) -> str:
    host = host_of(text, rows.knowledge())
    return explain(text, answer(text, host, rows.symptoms(), rows.languages()))


def test_a_fix_is_called_as_the_doctor_was(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"Failed call to cuInit: UNKNOWN ERROR (303)"
    assert "fix    ansible-playbook site.yml\n" in doctor("--explain", "-", text=text).stdout
    monkeypatch.setenv("GRINDSTONE_RUN", "./run")
    assert "fix    ./run site\n" in doctor("--explain", "-", text=text).stdout


def test_a_text_from_standard_input_is_explained_with_its_line() -> None:
    done = doctor("--explain", "-", text=f"first\n{MISMATCH}\n".encode())
    assert done.returncode == 0, done.stderr
    assert "Known as: versions differ" in done.stdout
    assert f"   read   line 2: {MISMATCH}" in done.stdout
    assert "   where  this host" in done.stdout
    assert "   fix    sudo systemctl reboot" in done.stdout


@pytest.mark.parametrize("words", ["gpu_doctor --explain -", "elsewhere --host arch"])
@pytest.mark.parametrize(("output", "status"), [("/dev/full", 2), ("&-", 0)])
def test_an_output_without_room_is_a_line_and_none_is_none(
    words: str, output: str, status: int
) -> None:
    asked = f"echo {MISMATCH!r} | {sys.executable} -m plugins.plugin_utils.{words} >{output}"
    done = to_the_end(["sh", "-c", asked], cwd=ROOT)
    assert done.returncode == status
    told = "the output cannot be written: No space left on device\n"
    assert done.stderr.partition(": ")[2] == (told if status else "")


def test_what_is_asked_for_wrongly_is_one_line() -> None:
    done = doctor("--explain", "a", "b")
    assert done.returncode == 2
    assert done.stderr == "run doctor: unrecognized arguments: b (see ./run doctor --help)\n"


def test_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_text("\n \n", encoding="utf-8")
    done = doctor("--explain", str(file))
    assert done.returncode == 3
    assert done.stdout.startswith("There is no text to explain: ")


def test_an_unknown_text_ends_with_3_and_no_command(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_text("the printer is on fire\n", encoding="utf-8")
    done = doctor("--explain", str(file))
    assert done.returncode == 3
    assert "does not know this text" in done.stdout
    assert "fix " not in done.stdout
    assert "./run" not in done.stdout


def test_a_report_without_a_fault_is_near_to_none() -> None:
    """Rows of `nvidia-smi -q` on the first H100."""
    rows_of = ["HW Thermal Slowdown : Not Active", "Remapping Failure Occurred : No"]
    report = [*rows_of, "Correctable Error : 0", *(f"Device Id : 0x{n}10DE" for n in range(20))]
    assert told("\n".join(report)).endswith("\n  No line of it reports a fault.")
    assert "The nearest" in told("\n".join([*report, "Remapping Failure Occured: yes"]))


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    done = doctor("--explain", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No such file" in done.stderr


def test_a_packed_log_is_not_taken_for_a_text(tmp_path: Path) -> None:
    log = tmp_path / "syslog.2.gz"
    log.write_bytes(gzip.compress(MISMATCH.encode()))
    done = doctor("--explain", str(log))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"doctor: {log} is compressed; give its text: zcat FILE | ./run doctor -\n"
    )


def test_what_looks_like_a_command_or_a_template_is_text() -> None:
    done = doctor("--explain", "-", text=f"{EVIL}\n{MISMATCH}\n".encode())
    assert done.returncode == 0
    assert f"Meaning of: {EVIL}"[:60] in done.stdout
    assert not (ROOT / "ran").exists()


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    said = told(f"\x1b]0;owned\x07{MISMATCH} \x1b[2J\x07 \u202e\n")
    assert "Known as: versions differ" in said
    assert all(sign.isprintable() or sign == "\n" for sign in said)


def test_a_log_of_powershell_in_utf_16_is_read() -> None:
    assert "versions differ" in doctor("--explain", "-", text=MISMATCH.encode("utf-16")).stdout


@pytest.mark.parametrize(
    "shape",
    [
        "\x1b[31mFailed to initialize \x1b[1mNVML\x1b[0m: Driver/library version mismatch",
        f"{JOURNAL}Failed to initialize NVML: Driver/library\n{JOURNAL}  version mismatch",
        "> > Failed to initialize NVML: Driver/library\n> > version mismatch",
        "w-1 | Failed to initialize NVML:\r\nw-1 | Driver/library\r\nw-1 | version mismatch",
        'fatal: [g]: FAILED! => {"msg": "NVML: \\n Driver/library\\n version mismatch"}',
        "Failed\u00a0to\u00a0initialize\u00a0NVML: Driver/library\u00a0version\u00a0mismatch",
        "Failed to initialize\nNVML: Driver/library \nversion mismatch",
        *("\n".join(textwrap.wrap(MISMATCH, width)) for width in (20, 33, 40)),
        *(re.sub(f"(.{{{width}}})", r"\1\n", MISMATCH) for width in (16, 20, 33, 40)),
        "FAILED TO INITIALIZE NVML: DRIVER/LIBRARY VERSION MISMATCH",
        "2025-02-09T09:37:34.496341Z Failed to initialize NVML: Driver/library   version\tmismatch",
    ],
)
def test_however_it_is_pasted_it_is_recognised(shape: str) -> None:
    assert "Known as: versions differ" in told(shape)


@pytest.mark.parametrize(
    ("said", "english"),
    [
        ("nvidia-x : Dépend : nvidia-y mais ne doit pas être installé", "Depends: nvidia-y but it"),
        ("x : Hängt ab von: nvidia-y soll aber nicht installiert werden", "Depends: nvidia"),
        (
            "nvidia-x : 依赖\uff1a nvidia-y 但是它将不会被安装",
            "Depends: nvidia-y but it is not going",
        ),
        (
            "Le paquet « nvidia-driver » n\u2019a pas de version susceptible d\u2019être installée",
            "Package 'nvidia-driver' has no installation candidate",
        ),
        (
            "E: Für Paket »nvidia-driver« existiert kein Installationskandidat.",
            "Package 'nvidia-driver' has no installation candidate",
        ),
        ("エラー: ターゲットが見つかりません: nvidia-580xx-dkms", "target not found: nvidia-580xx"),
        ("nvidia: /usr/lib/x existiert im Dateisystem", "/usr/lib/x exists in filesystem"),
        (
            "E: Sperre /var/lib/dpkg/lock konnte nicht erlangt werden. Sie wird von Prozess 9",
            "Could not get lock /var/lib/dpkg/lock. It is held by process 9",
        ),
        ("E: No se pudo bloquear /var/lib/apt/lists/lock. El proceso 9", "Could not get lock /var"),
        ("x : Dépend : nvidia-y mais ne sera pas installé", "but it is not going to be installed"),
        ("x : Dépend : nvidia-y mais 5 devra être installé", "nvidia-y but 5 is to be installed"),
        ("se interrumpió la ejecución de dpkg, debe iniciar manualmente", "dpkg was interrupted"),
        (
            "intentando sobreescribir `/usr/x', que está también en el paquete nvidia-smi 1",
            "trying to overwrite '/usr/x', which is also in package nvidia-smi",
        ),
    ],
)
def test_other_languages_are_read_as_english(said: str, english: str) -> None:
    assert english in "\n".join(normalization.lines(said, rows.languages()))


@pytest.mark.parametrize("said", ["jamais vu", "mit Laberei", "Lesefehler: sda", "un mais"])
def test_what_is_part_of_a_longer_word_is_no_phrase(said: str) -> None:
    (line,) = normalization.lines(said, rows.languages())
    assert line == said.replace(" mais", " but ")


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=3000))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert told(text).startswith(("Meaning of: ", "Known as: ", "There is no text to explain"))
    host = host_of(text, rows.knowledge())
    pieces = [b"x" * SHORT + b"\n", data, b"\n" + MISMATCH.encode()]
    found = answer_log(pieces, host, rows.symptoms(), rows.languages())
    assert "versions differ" in [each.symptom for each in found.reading.wrong]


def test_a_log_is_read_to_its_end_and_the_line_is_counted() -> None:
    lines = [f"step {number}: loss 0.{number}\n".encode() for number in range(20000)]
    pieces = [b"".join(lines), MISMATCH.encode(), b"\nend\n"]
    host = host_of("", rows.knowledge())
    found = answer_log(pieces, host, rows.symptoms(), rows.languages())
    assert [(each.symptom, each.line) for each in found.reading.wrong] == [
        ("versions differ", 20001)
    ]


def test_the_door_of_ansible_reads_a_variable_as_it_was_written(tmp_path: Path) -> None:
    variables = tmp_path / "pasted.yml"
    variables.write_text(f"doctor_symptom: |\n  {EVIL}\n  {MISMATCH}\n", encoding="utf-8")
    hosts = inventory(tmp_path, "here plan_prefix=nowhere")
    words = ("-i", hosts, "playbooks/doctor.yml", "-e", f"@{variables}")
    done = playbook(*words, callback=SUMMARY)
    assert f"Meaning of: {EVIL}"[:60] in done.stdout, done.stdout
    assert "Known as: versions differ" in done.stdout
    assert not list(ROOT.glob("ran")) + list(ROOT.glob("*/ran"))
