"""`python -m bench completion bash|zsh`: the script that completes verbs, options and runs.

It is made from the parsers, so that it knows what they know; nothing is imported at a Tab.
"""

from __future__ import annotations

import argparse
import functools
import shlex
import sys
from collections.abc import Iterator

from bench.invocation import COMMAND
from bench.report.arguments import Verbs

SHELLS = ("bash", "zsh")
# What stands for a run in a usage line.
_RUNS = ("RUN", "A", "B")

_COMPLETION = f"""\
Prints a script that completes `{COMMAND}` in a shell.  For this one:

  source <({COMMAND} completion bash)

For all to come, write it into the file that your shell reads when it starts.
"""
_ZSH = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n"
_SCRIPT = """\
# Completion of `grindstone` and of `python -m bench`, made by their verb `completion`.
_grindstone_bench() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local first=3 folder=results values='' options='' runs='' place name
    COMPREPLY=()
    if [[ ${COMP_WORDS[0]##*/} == grindstone ]]; then
        first=1
    else # of any other call of Python files are completed, as ever
        [[ ${COMP_WORDS[1]-} == -m && ${COMP_WORDS[2]-} == bench ]] || return 0
    fi
    ((COMP_CWORD >= first)) || return 0
    if ((COMP_CWORD == first)); then
        COMPREPLY=($(compgen -W @VERBS@ -- "$word"))
        return 0
    fi
    case ${COMP_WORDS[first]}:$before in
@VALUES@
    esac
    case ${COMP_WORDS[first]} in
@OPTIONS@
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
        return 0
    fi
    COMPREPLY=($(compgen -W "$values" -- "$word"))
    [[ -n $runs ]] || return 0
    for ((place = first; place < COMP_CWORD - 1; place++)); do
        if [[ ${COMP_WORDS[place]} == --results-dir ]]; then folder=${COMP_WORDS[place+1]}; fi
    done
    # Names of files are compared and never expanded; those that a shell would read are left out.
    for name in "$folder"/*.json "$folder"/*.jsonl; do
        [[ -e $name ]] || continue
        name=${name##*/}
        name=${name%.*}
        [[ $name == "$word"* && $name != *[!A-Za-z0-9_.-]* ]] && COMPREPLY+=("$name")
    done
    return 0
}
complete -o default -F _grindstone_bench grindstone python python3
"""


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "completion", help="print a script for completion in bash or zsh", description=_COMPLETION
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(run=functools.partial(run, verbs))


def run(verbs: Verbs, options: argparse.Namespace) -> int:
    """Prints the script for a shell."""
    sys.stdout.write(script(dict(verbs.choices), options.shell))
    return 0


def script(verbs: dict[str, argparse.ArgumentParser], shell: str) -> str:
    """The script that completes these verbs."""
    parsers = {name: _completed(parser) for name, parser in verbs.items()}
    names = shlex.quote(" ".join([*parsers, "--help", "--version"]))
    values = "\n".join(line for verb, parser in parsers.items() for line in _values(verb, parser))
    options = "\n".join(_options(verb, parser) for verb, parser in parsers.items())
    made = _SCRIPT.replace("@VERBS@", names).replace("@VALUES@", values)
    return (_ZSH if shell == "zsh" else "") + made.replace("@OPTIONS@", options)


def _completed(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """What a verb takes, where it is pytest that reads it."""
    made = parser.get_default("completed")
    return made() if made else parser


def _values(verb: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """What follows an option that takes a value: a word of some, or a file."""
    files = []
    for action in parser._actions:
        names = [f"{verb}:{name}" for name in action.option_strings]
        if not names or action.nargs == 0:
            continue
        if action.choices:
            words = shlex.quote(" ".join(map(str, action.choices)))
            given = f'COMPREPLY=($(compgen -W {words} -- "$word"))'
            yield f"        {'|'.join(names)}) {given}; return 0 ;;"
        else:
            files += names
    if files:
        yield f"        {'|'.join(files)}) return 0 ;;"


def _options(verb: str, parser: argparse.ArgumentParser) -> str:
    """Its options, and what else may stand behind it."""
    names = [name for action in parser._actions for name in action.option_strings]
    told = [f"options={shlex.quote(' '.join(names))}"]
    for action in parser._actions:
        if not action.option_strings and action.choices:
            told.append(f"values={shlex.quote(' '.join(map(str, action.choices)))}")
        elif action.metavar in _RUNS:
            told.append("runs=yes values='last best'")
            break
    return f"        {verb}) {' '.join(told)} ;;"
