"""What the interpreter is asked to do while files are opened: an audit hook that writes down whatever no file may cause."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from payloads import MODULE

RUNS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "subprocess.Popen", "pty.spawn", "os.fork", "ctypes.dlopen")
OWN_LIBRARIES = (None, "libnvidia-ml.so.1", "libcuda.so.1")
"""What torch looks for by itself when it is asked for a GPU; no file can name it."""
REACHES = ("socket.connect", "socket.sendto", "urllib.Request", "sqlite3.load_extension", "sqlite3.enable_load_extension")


class Watch:
    """A hook cannot be taken away, so it is switched; `seen` is what happened while it was on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.canary = str(folder), str(folder / "CANARY")
        self.on, self.seen = False, list[str]()
        sys.addaudithook(self.hook)

    def hook(self, event: str, args: tuple[object, ...]) -> None:
        if self.on and self._counts(event, args):
            self.seen.append(f"{event} {args!r}"[:300])

    def _counts(self, event: str, args: tuple[object, ...]) -> bool:
        match event:
            case "pickle.find_class":
                return True
            case "import":
                return str(args[0]).startswith(MODULE)
            case "exec":
                return self._sings(args[0])
            case "open":
                return str(args[0]) in (self.canary, "/etc/passwd") or str(args[0]).endswith(("weights.bin", "/etc/passwd"))
            case "ctypes.dlopen":
                return args[0] not in OWN_LIBRARIES
            case _:
                return event in RUNS or event in REACHES

    def _sings(self, code: object) -> bool:
        """Whether code is of a file in the folder, or has a payload's words; libraries make classes from strings of their own."""
        held = f"{getattr(code, 'co_names', ())} {getattr(code, 'co_consts', ())}"
        return getattr(code, "co_filename", "").startswith(self.folder) or any(word in held for word in (self.canary, MODULE))

    @contextmanager
    def watching(self) -> Generator[None]:
        self.on = True
        try:
            yield
        finally:
            self.on = False
