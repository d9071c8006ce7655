"""Fetching from a server on this machine that misbehaves in every way, and from none at all: one error, and nothing half kept."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from receptron.errors import StorageFault, UnsafeCheckpoint, WeightsUnavailable
from receptron.weights import download, fetch
from receptron.weights.inputs import InputSpec
from receptron.weights.published import Published

CONTENT = bytes(range(256)) * 9000  # three chunks
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Answers by the path's last word; what was asked of it stands in `asked`."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        kind = self.server.kind  # type: ignore[attr-defined]
        if kind in ("redirect", "linked") and not self.path.startswith("/there"):
            self.answer(302, b"", {"Location": "/there", **({"X-Linked-Etag": f'"{DIGEST}"'} if kind == "linked" else {})})
        elif kind in ("file:///etc/passwd", "ftp://127.0.0.1/x", "http://[broken", "http://127.0.0.1:1/"):
            self.answer(302, b"", {"Location": kind})
        elif kind == "round":
            self.answer(302, b"", {"Location": self.path})
        elif kind in ("404", "403", "500", "407"):
            self.answer(int(kind), b"no")
        elif kind == "page":
            self.answer(200, b"<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif kind == "cut":
            self.answer(200, CONTENT[:-1000], {"Content-Length": str(len(CONTENT)), "ETag": f'"{DIGEST}"'})
        elif kind == "nonsense":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
        elif kind == "silent":
            self.close_connection = True
        elif kind == "chunked":
            self.answer(200, b"zz\r\nbroken", {"Transfer-Encoding": "chunked", "ETag": f'"{DIGEST}"'})
        elif kind == "large":
            self.answer(200, b"", {"Content-Length": str(download.MAX_BYTES + 1)})
        elif kind == "changed":
            self.answer(200, CONTENT[:-1] + b"?", {"ETag": f'"{DIGEST}"'})
        elif kind == "unstated":
            self.answer(200, CONTENT, {"ETag": '"abc"'})
        else:
            self.answer(200, CONTENT, {} if kind == "linked" else {"ETag": f'"{DIGEST}"'})

    def answer(self, code: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            if name != "Content-Length" or "Transfer-Encoding" not in (headers or {}):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "cache"))
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Server.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def serving(kind: str) -> None:
        server.kind = kind  # type: ignore[attr-defined]
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("HF_ENDPOINT", address + "/")
        monkeypatch.setattr(fetch, "TORCHVISION", f"{address}/models/")

    yield serving
    server.shutdown()
    server.server_close()


def row(source: str) -> Published:
    file = "timm/resnet18.test" if source == "timm" else f"resnet18-{DIGEST[:8]}.pth"
    return Published("resnet18", source, "TEST", file, InputSpec(224, (0.5,), (0.5,)), "none")


def kept(published: Published) -> list[str]:
    folder = fetch.cached_path(published).parent
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


class Heard:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.total, self.count, self.ends = 0, 0, 0

    def start(self, stage: str, total: int, unit: str) -> None:
        self.total = total

    def advance(self, count: int = 1, note: str = "") -> None:
        self.count += count

    def done(self, note: str = "") -> None:
        self.ends += 1


SOURCES = pytest.mark.parametrize("source", ["timm", "torchvision"])


@SOURCES
@pytest.mark.parametrize("kind", ["good", "redirect", "linked"])
def test_a_file_is_streamed_verified_kept_and_fetched_once(source: str, kind: str, serve):
    serve(kind)
    heard = Heard()
    for _ in range(2):
        path, digest = fetch.fetch(row(source), heard)
    assert path.read_bytes() == CONTENT and digest == DIGEST
    assert kept(row(source)) == [path.name, f"{path.name}.sha256"]
    assert len(Server.asked) == (1 if kind == "good" else 2)
    assert (heard.total, heard.count, heard.ends) == (3, 3, 1)


@SOURCES
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("404", "the server answers 404"),
        ("403", "the server answers 403"),
        ("500", "the server answers 500"),
        ("407", "the server answers 407"),
        ("page", "a web page, as of a proxy"),
        ("cut", f"broke off after {len(CONTENT) - 1000:,} of {len(CONTENT):,} bytes"),
        ("nonsense", "this is no HTTP"),
        ("silent", "closed connection without response"),
        ("chunked", r"IncompleteRead|invalid literal"),
        ("large", "over 4,294,967,296"),
        ("round", "redirect"),
        ("file:///etc/passwd", "not allowed"),
        ("ftp://127.0.0.1/x", "redirect"),
        ("http://[broken", "Invalid IPv6 URL|redirect"),
        ("http://127.0.0.1:1/", "refused"),
    ],
)
def test_whatever_goes_wrong_is_one_error_with_the_ways_on(source: str, kind: str, why: str, serve):
    serve(kind)
    with pytest.raises(WeightsUnavailable, match=why) as caught:
        fetch.fetch(row(source))
    text = str(caught.value)
    assert len(text.splitlines()) == 3 and f"{source}/TEST for resnet18" in text and "--weights FILE" in text
    assert kept(row(source)) == []


@SOURCES
def test_a_file_that_arrives_changed_is_not_kept_on_the_way(source: str, serve):
    serve("changed")
    with pytest.raises(UnsafeCheckpoint, match="arrived changed"):
        fetch.fetch(row(source))
    assert kept(row(source)) == []


def test_a_hub_that_states_no_hash_is_not_believed(serve):
    serve("unstated")
    with pytest.raises(WeightsUnavailable, match="states no sha256"):
        fetch.fetch(row("timm"))


@SOURCES
def test_without_a_network_the_reason_is_told(source: str, serve, monkeypatch: pytest.MonkeyPatch):
    serve("good")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(fetch, "TORCHVISION", "http://127.0.0.1:1/")
    with pytest.raises(WeightsUnavailable, match="refused"):
        fetch.fetch(row(source))


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "http://a b/", "http://ä\n/", "file:///etc"])
def test_a_faulty_endpoint_is_told(endpoint: str, serve, monkeypatch: pytest.MonkeyPatch):
    serve("good")
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(WeightsUnavailable):
        fetch.fetch(row("timm"))


def test_offline_mode_asks_nobody_and_a_token_stays_with_its_host(serve, monkeypatch: pytest.MonkeyPatch):
    serve("redirect")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsUnavailable, match="HF_HUB_OFFLINE is set"):
        fetch.fetch(row("timm"))
    assert Server.asked == []
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_TOKEN", "secret")
    fetch.fetch(row("timm"))
    assert Server.asked == [("/timm/resnet18.test/resolve/main/model.safetensors", "Bearer secret"), ("/there", "")]


def test_a_full_disk_is_a_fault_of_storage(serve, monkeypatch: pytest.MonkeyPatch):
    serve("good")
    folder = fetch.cached_path(row("timm")).parent
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(StorageFault, match="could not write"):
        fetch.fetch(row("timm"))


def test_a_kill_on_the_way_leaves_nothing_that_counts(serve, monkeypatch: pytest.MonkeyPatch):
    serve("good")

    class Killed(BaseException):
        pass

    def killed(self: Heard, count: int = 1, note: str = "") -> None:
        raise Killed

    monkeypatch.setattr(Heard, "advance", killed)
    with pytest.raises(Killed):
        fetch.fetch(row("timm"), Heard())
    assert not fetch.cached_path(row("timm")).exists()
    monkeypatch.undo()
