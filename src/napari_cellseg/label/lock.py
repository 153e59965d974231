"""Who corrects a study at the moment: one window at a time, and the other is told."""

from __future__ import annotations

import json
import os
import platform
import secrets
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from napari_cellseg.data.storage import atomic_file, storage
from napari_cellseg.errors import StorageError
from napari_cellseg.label.person import person

LOCK_FILE = ".correcting.lock"
_UNREADABLE_FOR_S = 10.0  # longer than it takes to write a line: whoever made the file died over it


@dataclass(frozen=True)
class Holder:
    """Who has a study.

    Attributes
    ----------
    who : str
        Name of the person's account; may be empty.
    pid : int
        Number of the process; 0 when unknown.
    host : str
        Name of the computer.
    when : str
        Since when (UTC, ISO 8601).
    token : str
        Tells one window from another of the same process.
    """

    who: str = ""
    pid: int = 0
    host: str = ""
    when: str = ""
    token: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Tell it to a person: Ada on microscope-2, since 25 Nov 2026, 14:05."""
        try:
            since = f", since {datetime.fromisoformat(self.when).astimezone():%d %b %Y, %H:%M}"
        except ValueError:
            since = ""
        return f"{self.who or 'somebody'} on {self.host or 'an unknown computer'}{since}"


class InUseError(StorageError):
    """A study that is being corrected in another window."""


class StudyLock:
    """The lock of one study, for one window.

    Parameters
    ----------
    folder : Path
        The study. The lock is a small file in it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_FILE
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._mine = Holder(person(), os.getpid(), platform.node(), now, secrets.token_hex(8))

    def acquire(self, *, take_over: bool = False) -> None:
        """Take the study.

        Parameters
        ----------
        take_over : bool
            True takes it from whoever has it; their window is told when it next changes something.

        Raises
        ------
        InUseError
            Another window has it. A process of this computer that is gone no longer has anything.
        StorageError
            The place cannot be written.
        """
        if self._create():
            return
        holder = self.holder()
        if holder is not None and not take_over and not self._is_gone(holder):
            raise InUseError(
                f"This study is being corrected by {holder}",
                "Two windows would overwrite each other's work",
                "Close the other window, or take the study over if nobody works there any more",
            )
        with atomic_file(self.path) as partial:
            partial.write_text(json.dumps(asdict(self._mine)), encoding="utf-8")
        self.check()  # of two who take over at the same moment, the later one has it

    def holder(self) -> Holder | None:
        """Tell who has the study.

        Returns
        -------
        Holder or None
            None when nobody has it.
        """
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
            return Holder(
                str(told["who"]), int(told["pid"]), str(told["host"]), str(told["when"]), str(told["token"])
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, LookupError):
            return Holder()

    def check(self) -> None:
        """Make sure that this window still has the study.

        Raises
        ------
        InUseError
            Another window took it over.
        """
        holder = self.holder()
        if holder is None or holder.token != self._mine.token:
            by = f" by {holder}" if holder is not None else ""
            raise InUseError(
                f"This study was taken over{by}",
                "Nothing more is changed from this window",
                "Open the study again to go on here",
            )

    def release(self) -> None:
        """Let the study go, unless somebody else has it."""
        holder = self.holder()
        if holder is not None and holder.token == self._mine.token:
            with storage(self.path):
                self.path.unlink(missing_ok=True)

    def _create(self) -> bool:
        """Make the file, unless there is one; with its content at once, where the file system can do that."""
        beside = self.path.with_name(f"{self.path.name}.{self._mine.token}")
        with storage(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                beside.write_text(json.dumps(asdict(self._mine)), encoding="utf-8")
                try:
                    os.link(beside, self.path)
                except FileExistsError:
                    return False
                except OSError:  # no links there, as on memory sticks
                    return self._create_in_place()
            finally:
                beside.unlink(missing_ok=True)
        return True

    def _create_in_place(self) -> bool:
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self._mine), file)
        return True

    def _is_gone(self, holder: Holder) -> bool:
        if not holder.token:  # nobody can be read from it
            return time.time() - self.path.stat().st_mtime > _UNREADABLE_FOR_S
        return holder.host == self._mine.host and not is_alive(holder.pid)


def is_alive(pid: int) -> bool:
    """Say whether a process of this computer runs.

    Parameters
    ----------
    pid : int
        Its number.

    Returns
    -------
    bool
        True also when it belongs to somebody else.
    """
    if pid <= 0:
        return False
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - its windll is only there

        query, still_active = 0x1000, 259  # PROCESS_QUERY_LIMITED_INFORMATION, STILL_ACTIVE
        kernel = ctypes.windll.kernel32
        handle, code = kernel.OpenProcess(query, False, pid), ctypes.c_ulong()
        alive = bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code))) and code.value == still_active
        kernel.CloseHandle(handle)
        return alive
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
