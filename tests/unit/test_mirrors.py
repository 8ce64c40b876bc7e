import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.datasets import mirrors as mirrors_
from bench.datasets.mirrors import UnreachableError, Wanted, download
from bench.errors import CacheError, DataError

CONTENTS = {"images.gz": b"pixels" * 1000, "labels.gz": b"digits"}
PATIENCE = 30.0

Answer = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[[Answer], str]


def files(folder: Path) -> dict[Path, Wanted]:
    return {
        folder / name: Wanted(hashlib.sha256(data).hexdigest(), len(data))
        for name, data in CONTENTS.items()
    }


def send(
    request: BaseHTTPRequestHandler, body: bytes, status: int = 200, length: int | None = None
) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    request.wfile.write(body)


def whole(request: BaseHTTPRequestHandler) -> None:
    send(request, CONTENTS[request.path.rpartition("/")[2]])


def altered(request: BaseHTTPRequestHandler) -> None:
    name = request.path.rpartition("/")[2]
    send(request, b"<html>" if name == "labels.gz" else CONTENTS[name])


def broken_off(request: BaseHTTPRequestHandler) -> None:
    send(request, b"pixels", length=6000)


def status(request: BaseHTTPRequestHandler, code: int) -> None:
    send(request, b"", code)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts an http server on loopback that gives one answer to everything."""
    servers = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/mnist/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A mirror that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def closed() -> str:
    """A mirror at a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_all_files_arrive_and_nothing_else(serve: Serve, tmp_path: Path) -> None:
    mirror = serve(whole)
    folder = tmp_path / "kept"
    assert download(files(folder), [mirror], PATIENCE) == mirror
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS


def test_a_wrong_checksum_says_so_and_keeps_not_even_the_good_file(
    serve: Serve, tmp_path: Path
) -> None:
    mirror = serve(altered)
    with pytest.raises(DataError) as caught:
        download(files(tmp_path / "kept"), [mirror], PATIENCE)
    assert f"what {mirror}labels.gz sent does not have the published SHA-256" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("first", ["altered", "endless"])
def test_another_mirror_is_asked_where_one_sends_something_else(
    serve: Serve, tmp_path: Path, first: str
) -> None:
    asked: list[str] = []

    def good(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        if len(asked) == 1:
            time.sleep(0.5)  # so that the other one is the first to answer
        whole(request)

    bad, mirror = serve({"altered": altered, "endless": endless}[first]), serve(good)
    assert download(files(tmp_path / "kept"), [bad, mirror], PATIENCE) == mirror
    assert {path.name for path in (tmp_path / "kept").iterdir()} == set(CONTENTS)


def endless(request: BaseHTTPRequestHandler) -> None:
    """Sends for as long as it is listened to."""
    request.send_response(200)
    request.end_headers()
    with contextlib.suppress(OSError):
        while True:
            request.wfile.write(bytes(10_000))


def trickling(request: BaseHTTPRequestHandler, done: threading.Event) -> None:
    """Sends a byte now and then, so that no timeout of the socket ever ends it."""
    request.send_response(200)
    request.send_header("Content-Length", "6000")
    request.end_headers()
    with contextlib.suppress(OSError):
        while not done.wait(0.05):
            request.wfile.write(b"p")
            request.wfile.flush()


def test_a_mirror_that_sends_for_ever_is_stopped_behind_the_known_size(
    serve: Serve, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"images\.gz sends more than the published 6,000 bytes"):
        download(files(tmp_path / "kept"), [serve(endless)], PATIENCE)
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_that_sends_a_byte_now_and_then_is_given_up_at_the_deadline(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors_, "DONE_WITHIN", 0.5)
    done = threading.Event()
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1: was not through within 0\.5 s"):
        download(files(tmp_path / "kept"), [serve(partial(trickling, done=done))], PATIENCE)
    done.set()
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_that_does_not_answer_is_given_up_at_the_deadline(
    silent: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1: no answer (within 0\.2 s|in time)"):
        download(files(tmp_path), [silent], 0.2)


def test_a_name_that_never_resolves_is_given_up_at_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        resolved.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(UnreachableError, match=r"^data\.example: no answer within 0\.2 s$"):
        download(files(tmp_path), ["http://data.example/"], 0.2)
    resolved.set()


def test_a_name_that_does_not_resolve_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(UnreachableError, match=r"^data\.example: name does not resolve$"):
        download(files(tmp_path), ["http://data.example/"], PATIENCE)


def test_a_good_mirror_is_used_beside_a_silent_and_a_closed_one(
    serve: Serve, silent: str, closed: str, tmp_path: Path
) -> None:
    good = serve(whole)
    assert download(files(tmp_path), [silent, closed, good], PATIENCE) == good


def test_each_reason_is_told_once_with_its_hosts(serve: Serve, closed: str, tmp_path: Path) -> None:
    mirrors = [serve(partial(status, code=404)), closed, closed.replace("127.0.0.1", "127.0.0.2")]
    with pytest.raises(UnreachableError) as caught:
        download(files(tmp_path), mirrors, PATIENCE)
    assert str(caught.value) == (
        "127.0.0.1: answered 404; 127.0.0.1, 127.0.0.2: connection refused"
    )


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [
        ("ftp://127.0.0.1/", "127.0.0.1: no http address"),
        ("some/folder/", "some/folder/: no http address"),
        ("http://[::1/", r"http://\[::1/: no http address"),
        ("http://127.0.0.1:port/", "127.0.0.1: no http address"),
        ("http://a b/", "a b: .+"),
    ],
)
def test_a_mirror_that_cannot_be_asked_says_why(mirror: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=f"^{reason}$"):
        download(files(tmp_path), [mirror], PATIENCE)


def test_no_mirror_at_all_means_that_downloads_are_switched_off(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"^switched off$"):
        download(files(tmp_path), [], PATIENCE)


def test_a_connection_that_breaks_off_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1: the connection broke off"):
        download(files(tmp_path / "kept"), [serve(broken_off)], PATIENCE)
    assert list(tmp_path.iterdir()) == []


def test_the_next_mirror_takes_over_where_one_breaks_off(serve: Serve, tmp_path: Path) -> None:
    failing = threading.Event()

    def break_off(request: BaseHTTPRequestHandler) -> None:
        broken_off(request)
        failing.set()

    def answer_later(request: BaseHTTPRequestHandler) -> None:
        failing.wait()
        whole(request)

    bad, good = serve(break_off), serve(answer_later)
    assert download(files(tmp_path), [bad, good], PATIENCE) == good
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENTS


def test_a_cache_that_cannot_be_written_is_not_taken_for_the_networks_fault(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(CacheError, match=r"cannot write .*kept/images\.gz.*--cache-dir"):
        download(files(tmp_path / "kept"), [serve(whole)], PATIENCE)


def test_a_temporary_folder_that_cannot_be_written_is_named(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(CacheError, match=r"gone: No such file or directory; .* TMPDIR"):
        download(files(tmp_path / "kept"), [serve(whole)], PATIENCE)
