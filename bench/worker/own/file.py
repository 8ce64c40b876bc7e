"""A file of one's own: loaded and called here, with what goes wrong in it told by its own lines."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import in_words, why
from bench.worker import faults

_LONGEST = 300
# What multiprocessing calls a program's file in processes that it has not forked but begun anew.
_MODULE = "__mp_main__"
_BOLD = re.compile(r"\\x1b\[\d+m")  # of Keras' texts, as `in_words` shows it
# What to do where the error does not say it, by what it says.
_TO_DO = (
    (r"^ModuleNotFoundError: No module named", f"install it for {sys.executable}, which trains"),
    (r"name 'get_ipython' is not", "it is a notebook's; take the line out"),
    (r"^EOFError: EOF when|\bBdbQuit\b", "nobody is asked here; take it out"),
    (r"Invalid dtype: str", "bring text in a tf.data, or as numbers (StringLookup)"),
    (r"target\.ndim - 1", "the targets are one-hot: take categorical_crossentropy, or argmax them"),
    (r"not recognized: \{'(lr|decay)'", "Keras 3 has learning_rate, and schedules for decay"),
    (r"Python-style iteration in eager mode", "take out what turns eager execution off"),
)


class FileError(Exception):
    """What is wrong with the file, or with what its functions return: a line for who wrote it."""


class ModeError(Exception):
    """Why a mode cannot train a network."""


class File:
    """A file that was run.

    path: as the worker was given it.
    """

    def __init__(self, path: str, sha256: str) -> None:
        self.path = path
        self._module = self._run(sha256)

    def call(self, name: str) -> Any:
        """What one of its functions returns.

        Raises:
            FileError: there is no such function, or it fails.
        """
        function = getattr(self._module, name, None)
        if not callable(function) or hasattr(function, "fit"):  # a model of Keras can be called
            kind = type(function).__name__
            raise FileError(
                f"{self}: {name} is {kind} and no function; write `def {name}():` that returns it"
            )
        with self.blamed(f"{name}()"):
            return function()

    @contextlib.contextmanager
    def blamed(self, doing: str) -> Iterator[None]:
        """What fails in the block is the file's fault, unless the machine gave way.

        doing: what is done there.

        Raises:
            FileError: something failed.
        """
        try:
            yield
        except (FileError, ModeError, MemoryError):
            raise
        except GeneratorExit:
            raise
        except BaseException as error:  # SystemExit and KeyboardInterrupt are the file's own, too
            where = self._where(error)
            if faults.of_backend(error) and not where and not faults.is_of_data(error):
                raise
            if _wants_tensorflow(error):
                raise FileError(
                    f"{self}{where}: it imports TensorFlow, and is trained without it here; write "
                    "it with keras alone, or train with --backend tensorflow"
                ) from error
            raise FileError(f"{self}{where or f': {doing}'}: {_in_short(error)}") from error

    def __str__(self) -> str:
        return Path(self.path).name

    def _run(self, sha256: str) -> types.ModuleType:
        try:
            source = Path(self.path).read_bytes()
        except OSError as error:
            raise FileError(f"{self.path} cannot be read any more: {why(error)}") from error
        if hashlib.sha256(source).hexdigest() != sha256:
            raise FileError(f"{self} was changed after the run had begun; run it again")
        module = types.ModuleType(_MODULE)
        module.__file__ = self.path
        # Where pickle and dataclasses look for it, and what such processes take for the program.
        sys.modules[_MODULE] = sys.modules["__main__"] = module
        folder = Path(self.path).parent
        sys.path.insert(0, str(folder))  # as for a script: its neighbours are found
        os.chdir(folder)  # wherever it is called from, its files are beside it
        sys.argv = [self.path]
        with self.blamed("running it"):
            code = compile(source, self.path, "exec", dont_inherit=True)  # no __future__ of ours
            exec(code, module.__dict__)
        return module

    def _where(self, error: BaseException) -> str:
        """`:12, in data`: the last line of the file that the error came through, or nothing."""
        if isinstance(error, SyntaxError) and error.filename == self.path:
            return f":{error.lineno}"
        every = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in every if frame.filename == self.path]
        if frames:
            function = f", in {frames[-1].name}" if frames[-1].name != "<module>" else ""
            return f":{frames[-1].lineno}{function}"
        beside = [frame for frame in every if Path(frame.filename).parent == Path(self.path).parent]
        if beside:  # it was imported from there
            return f": {Path(beside[-1].filename).name}:{beside[-1].lineno}, in {beside[-1].name}"
        # What Keras and AutoGraph have traced has its lines in the error's text.
        told = re.findall(rf'File "{re.escape(self.path)}", line (\d+), in (\w+)', str(error))
        return f":{told[-1][0]}, in {told[-1][1]}" if told else ""


def _wants_tensorflow(error: BaseException) -> bool:
    """Whether TensorFlow is missed, which is kept out where another backend trains."""
    missed = isinstance(error, ImportError) and (error.name or "").partition(".")[0]
    return missed == "tensorflow" and sys.modules.get("tensorflow", sys) is None


def _in_short(error: BaseException) -> str:
    """The error in a line, without the trace of a graph and without Keras' list of arguments."""
    text = str(error).partition("Arguments received by")[0]
    if faults.is_of_memory(error):
        return faults.in_short(error)
    if isinstance(error, SystemExit):
        told = f"it ends the program (SystemExit: {error.code})"
        if any(each.name == "parse_args" for each in traceback.extract_tb(error.__traceback__)):
            told += "; argparse gets no arguments here: give them defaults"
    elif faults.of_backend(error):
        told = faults.in_short(error)
    elif text.startswith("in user code:"):
        told = " ".join(text.strip().rpartition("\n\n")[2].split())  # it has its type in it
    else:
        told = _BOLD.sub("", in_words(error).partition("Arguments received by")[0].strip())
    do = next((f"; {do}" for said, do in _TO_DO if re.search(said, told)), "")
    return told[:_LONGEST] + do
