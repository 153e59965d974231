"""Looking at an archive from somebody else before anything in it is unpacked."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from napari_cellseg.errors import ModelError
from napari_cellseg.learn.card import CARD_FILE, COVER_FILE, WEIGHTS_FILE

DESCRIPTION_FILE = "rdf.yaml"
README_FILE = "README.md"
INPUT_FILE = "test_input.npy"
OUTPUT_FILE = "test_output.npy"
TORCHSCRIPT_FILE = "weights-torchscript.pt"

_MB = 2**20
_LIMITS = {
    DESCRIPTION_FILE: _MB,
    "bioimageio.yaml": _MB,  # what the collection calls it
    README_FILE: _MB,
    COVER_FILE: 4 * _MB,
    CARD_FILE: _MB,
    INPUT_FILE: 64 * _MB,
    OUTPUT_FILE: 256 * _MB,
    WEIGHTS_FILE: 1024 * _MB,
    TORCHSCRIPT_FILE: 1024 * _MB,
}
"""All that a package may hold, and how many bytes each file may have once unpacked."""

NEEDED = (CARD_FILE, WEIGHTS_FILE, INPUT_FILE, OUTPUT_FILE)
"""Without these a package is none of ours."""

_MOST_RATIO = 200
_SMALL = _MB  # what is smaller may be packed as tightly as it likes
_ENCRYPTED = 0x1
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Package:
    """A checked archive; a context manager.

    Parameters
    ----------
    path : Path
        The zip file.

    Raises
    ------
    ModelError
        It is no zip file, it holds something that no package of ours holds, or it lacks what ours have.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise ModelError(
                f"{path} cannot be opened as a package: {error}",
                "A .zip file that was exported by this program was expected",
                "Download or copy it again",
            ) from error
        try:
            self._members = self._check()
        except ModelError:
            self._zip.close()
            raise

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """Read a file of the package.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        bytes
            Its content; never more than was declared.

        Raises
        ------
        ModelError
            It is damaged.
        """
        with self._open(name) as file:
            return self._some(file, name, self._members[name].file_size)

    def copy(self, name: str, target: Path) -> None:
        """Unpack a file of the package.

        Parameters
        ----------
        name : str
            Its name.
        target : Path
            The file to write.

        Raises
        ------
        ModelError
            It is damaged.
        OSError
            The file cannot be written.
        """
        with self._open(name) as file, target.open("wb") as out:
            while chunk := self._some(file, name, _MB):
                out.write(chunk)

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(self._members[name])
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise self._damaged(name, error) from error

    def _some(self, file: IO[bytes], name: str, size: int) -> bytes:
        try:
            return file.read(size)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self._damaged(name, error) from error

    def _damaged(self, name: str, error: Exception) -> ModelError:
        return ModelError(
            f"{name} in {self.path.name} is damaged: {error}", "", "Download or copy the package again"
        )

    def _check(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            why = "is there twice" if info.filename in members else _objection(info)
            if why:
                raise ModelError(
                    f"The package {self.path.name} is refused: {info.filename!r} {why}",
                    f"A package of this program holds nothing but {', '.join(sorted(_LIMITS))}",
                    "Ask whoever gave it to you to export the model again",
                )
            members[info.filename] = info
        missing = [name for name in NEEDED if name not in members]
        if missing:
            raise ModelError(
                f"The package {self.path.name} has no {' and no '.join(missing)}",
                "Only models that were trained by this program can be used, and only their own weights: "
                "others may run code when they are opened",
                "Ask for a package that `napari-cellseg models export` made",
            )
        return members


def _objection(info: zipfile.ZipInfo) -> str:
    """Say what is wrong with a file of an archive; nothing when all is well."""
    limit = _LIMITS.get(info.filename)
    mode = info.external_attr >> 16
    if limit is None:
        return "is none of its files"  # so that no path leads elsewhere
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is no plain file"
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _PACKINGS:
        return "is encrypted or packed in an unusual way"
    if info.file_size > limit:
        return f"would have {info.file_size / _MB:.0f} MB, and at most {limit / _MB:.0f} are expected"
    if info.file_size > _SMALL and info.file_size > _MOST_RATIO * max(info.compress_size, 1):
        return f"would grow {info.file_size / max(info.compress_size, 1):.0f}-fold"
    return ""
