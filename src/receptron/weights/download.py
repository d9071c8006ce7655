"""A file by HTTP, streamed: chunks as they come, the sha256 that the answer states, and every way in which it can fail as one error."""

import http.client
import os
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

HUB = "https://huggingface.co"
TIMEOUT = 20.0  # seconds without a byte
CHUNK = 1 << 20
MAX_BYTES = 4 * 2**30
_SHA256 = 64  # hexadecimal digits
_BROKEN = (OSError, http.client.HTTPException, ValueError, UnicodeError)
"""What urllib, its sockets, TLS and parsers raise: URLError, timeouts and certificates are OSErrors, faulty addresses ValueErrors."""


class DownloadFault(Exception):
    """Why a file could not be fetched, in one line."""


@dataclass
class Response:
    """An open answer: its chunks, the bytes that it announces (0 if none), and the sha256 that the hub stated on the way to it."""

    length: int
    sha256: str
    _body: Any = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The file piece by piece. Raises: DownloadFault if it breaks off or grows over `MAX_BYTES`."""
        count = 0
        while True:
            with _told():
                chunk: bytes = self._body.read(CHUNK)
            if not chunk:
                break
            count += len(chunk)
            if count > MAX_BYTES:
                raise DownloadFault(f"the answer has over {MAX_BYTES:,} bytes")
            yield chunk
        if count < self.length:
            raise DownloadFault(f"the connection broke off after {count:,} of {self.length:,} bytes")


@contextmanager
def opened(url: str, *, token: str = "") -> Generator[Response]:
    """The answer to GET `url`, redirects followed; a token goes to the first host only. Raises: DownloadFault."""
    way = _Way()
    with _told():
        request = urllib.request.Request(url)
        if token:
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        body = urllib.request.build_opener(way).open(request, timeout=TIMEOUT)
    with body:
        yield Response(_length(body.headers), way.sha256 or _stated(body.headers), body)


def hub_address(repository: str, name: str) -> str:
    """Where the hub keeps a file. Raises: DownloadFault if HF_HUB_OFFLINE forbids to ask."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise DownloadFault("HF_HUB_OFFLINE is set")
    return f"{os.environ.get('HF_ENDPOINT', '').rstrip('/') or HUB}/{repository}/resolve/main/{name}"


def hub_token() -> str:
    """The user's token for the hub, for files that are not for everybody."""
    return os.environ.get("HF_TOKEN", "").strip()


class _Way(urllib.request.HTTPRedirectHandler):
    """Follows redirects to web addresses, never from https to http; keeps the sha256 that the hub states when it redirects."""

    def __init__(self) -> None:
        self.sha256 = ""

    def http_error_302(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any) -> Any:
        """As the library, which leaves the answer open where it cannot follow it."""
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except BaseException:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.sha256 = _stated(headers) or self.sha256
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (scheme == "http" and req.type == "https"):
            raise DownloadFault(f"it redirects to {newurl[:120]}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _told() -> Generator[None]:
    """Whatever goes wrong while a server is talked to, in one line."""
    try:
        yield
    except HTTPError as error:
        error.close()
        raise DownloadFault(" ".join(f"the server answers {error.code} {error.reason}".split())[:200]) from error
    except _BROKEN as error:
        reason = getattr(error, "reason", None) or error
        text = " ".join(str(reason).split())[:200] or type(error).__name__
        raise DownloadFault(text) from error


def _stated(headers: Message) -> str:
    """The sha256 in an answer's headers: the hub gives it as the tag of large files."""
    for name in ("X-Linked-Etag", "ETag"):
        tag = (headers.get(name) or "").removeprefix("W/").strip('"')
        if len(tag) == _SHA256 and all(digit in "0123456789abcdef" for digit in tag):
            return tag
    return ""


def _length(headers: Message) -> int:
    if (headers.get_content_type() or "") == "text/html":
        raise DownloadFault("the answer is a web page, as of a proxy or a login, not the file")
    text = headers.get("Content-Length") or "0"
    length = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if length > MAX_BYTES:
        raise DownloadFault(f"the answer has {length:,} bytes, over {MAX_BYTES:,}")
    return length
