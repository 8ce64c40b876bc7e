"""playbooks/doctor.yml: foreign text is explained, and never evaluated."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path

from tests.support.ansible_env import HERE as ROOT
from tests.support.program import SUMMARY, inventory, playbook
from tests.unit import hosts
from tests.unit.doctor.hosts import FOLDER, HEALTHY, MATRIX


def test_a_pasted_text_is_no_template(tmp_path: Path) -> None:
    text = '{{ lookup("pipe", "touch ran") }} {% if %} Driver/library version mismatch'
    words = ("-i", inventory(tmp_path, "here plan_prefix=nowhere"), "playbooks/doctor.yml")
    done = playbook(*words, callback=SUMMARY, DOCTOR_SYMPTOM=text)
    assert done.returncode == 2, done.stdout
    assert 'line 1: {{ lookup("pipe", "touch ran") }} {% if %}' in done.stdout
    assert "Known as: versions differ" in done.stdout
    assert "Doctor for here: 1 problem" in done.stdout
    assert "refused: found plan_prefix=«nowhere»" in done.stdout
    assert not list(ROOT.glob("ran")) + list(ROOT.glob("*/ran"))


def test_no_name_of_a_host_is_a_template(tmp_path: Path) -> None:
    """os-release, PCI names, packages, logs and the inventory's name, on the way to the screen."""
    evil = "{{ lookup('pipe', 'touch " + str(tmp_path / "ran") + "') }}"
    seen = deepcopy(HEALTHY)
    seen["found"]["distribution"]["name"] = evil
    seen["found"]["gpus"][0]["name"] = evil
    seen["found"]["packages"]["half_installed"] = [evil]
    seen["found"]["driver"]["packages"][0]["name"] = evil
    seen["found"]["environment"]["tensorflow"] = evil.replace("{{ ", "2.21.0 {{ ")
    seen["logs"]["kernel"] = [f"NVRM: RmInitAdapter failed {evil}"]
    seen["refusal"] = evil
    (tmp_path / "seen.json").write_text(json.dumps(seen), encoding="utf-8")
    (tmp_path / "matrix.json").write_text(json.dumps(MATRIX), encoding="utf-8")
    play = tmp_path / "doctor.yml"
    tasks = f"""
    - ansible.builtin.set_fact:
        told: >-
          {{{{ lookup('ansible.builtin.file', '{tmp_path}/seen.json') | from_json
             | grindstone.grindstone.gpu_doctor(
                 'x ' ~ lookup('ansible.builtin.env', 'EVIL'), '{FOLDER}',
                 lookup('ansible.builtin.file', '{tmp_path}/matrix.json') | from_json,
                 lookup('ansible.builtin.env', 'EVIL')) }}}}
    - ansible.builtin.debug:
        msg: "{{{{ told.block.splitlines() }}}}"
    - ansible.builtin.debug: # the same in a template of the play's own, which is run
        msg: "{evil.replace("/ran'", "/own'")}"
    - ansible.builtin.fail:
        msg: "{{{{ told.failure }}}}"
"""
    play.write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks:{tasks}", encoding="utf-8")
    done = playbook(play, callback=SUMMARY, EVIL=evil)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Meaning of: {{ lookup('pipe'" in done.stdout
    assert "half installed: {{ lookup('pipe'" in done.stdout
    assert (tmp_path / "own").exists()
    assert not (tmp_path / "ran").exists()


def test_no_file_of_a_host_is_a_template_on_its_way_to_plan_json(tmp_path: Path) -> None:
    """From os-release, pci.ids, dpkg's status, a record and the inventory, by the roles' own doors.

    What the modules read, the plan or its refusal, and plan.json itself.
    """
    evil = "{{ lookup('pipe', 'touch " + str(tmp_path / "ran") + "') }}"
    root = hosts.write(
        tmp_path / "root",
        hosts.WITH_GPU
        | {
            "etc/os-release": f'ID=debian\nNAME="{evil}"\nVERSION_ID="12"\n',
            "usr/share/misc/pci.ids": f"10de  NVIDIA\n\t2204  GA102 [{evil}]\n",
            "var/lib/dpkg/status": f"Package: {evil}\nStatus: install ok half-installed\n\n",
            "etc/grindstone/verify.json": json.dumps({"tensorflow": evil, "notes": [evil]}),
            "etc/grindstone/plan.json": json.dumps({"tensorflow": evil, "notes": [evil]}),
        },
    )
    play = tmp_path / "doors.yml"
    tasks = f"""
    - grindstone.grindstone.gpu_info: {{sysroot: "{root}", prefix: /opt/grindstone}}
      register: plan_facts
    - ansible.builtin.include_vars: {{dir: {ROOT}/roles/plan/vars/main}}
    - ansible.builtin.include_vars: {{dir: {ROOT}/roles/plan/defaults}}
    - ansible.builtin.set_fact:
        plan_result: >-
          {{{{ plan_facts.found
             | grindstone.grindstone.gpu_stack(plan_options, plan_matrix, inventory_hostname) }}}}
    - ansible.builtin.debug: {{msg: "{{{{ plan_result.block | default('') }}}}"}}
    - ansible.builtin.debug: {{msg: "{{{{ plan_result.refusal }}}}"}}
    - grindstone.grindstone.host_files:
        files:
          - path: {tmp_path}/plan.json
            content: "{{{{ plan_result.persisted | default(plan_result) }}}}"
    - ansible.builtin.debug: {{msg: "{{{{ plan_facts.found | to_nice_json }}}}"}}
"""
    play.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:{tasks}", encoding="utf-8")
    inventory = tmp_path / "inventory.json"
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"all": {"hosts": {f"x {evil}": local}}}), encoding="utf-8")
    done = playbook("-i", inventory, play, callback=SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("lookup('pipe'") > 3
    assert json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert not (tmp_path / "ran").exists()
