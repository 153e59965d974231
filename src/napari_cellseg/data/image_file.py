"""What the header of an image file says, and the lazy stack made of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_cellseg.data.axes import AxesGuess, told_axes, understand_axes
from napari_cellseg.data.match import stem_of
from napari_cellseg.data.metadata import Calibration
from napari_cellseg.data.pages import Array, Pages
from napari_cellseg.data.planes import PlaneReader, lazy_tczyx
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError


@dataclass(frozen=True)
class ImageFile:
    """What the header of an image file says; no pixel was read.

    Attributes
    ----------
    path : Path
        The file.
    kind : str
        In words, such as ``"ImageJ TIFF"``.
    shape : tuple of int
        Lengths of the axes, without those of length one (height and width stay), and without RGB's samples.
    declared : str
        The file's own letters for them.
    dtype : str
        Pixel type.
    pages : Pages
        Reads the pages.
    file_axes : str
        As `declared`, with S for the samples of RGB.
    file_shape : tuple of int
        As `shape`, with the samples of RGB.
    paged : int
        How many leading axes count pages.
    trusted : bool
        False where the declared letters are only a habit of the writing program: the person should look.
    calibration : Calibration
        Units and channel names.
    series : tuple of str
        All images in the file, in words.
    notes : tuple of str
        What the person should know.
    smaller : tuple of (Pages, tuple of int)
        Smaller copies that the file holds of large frames, and the shapes of each as `file_shape`.
    """

    path: Path
    kind: str
    shape: tuple[int, ...]
    declared: str
    dtype: str
    pages: Pages
    file_axes: str
    file_shape: tuple[int, ...]
    paged: int = 0
    trusted: bool = True
    calibration: Calibration = field(default_factory=Calibration)
    series: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    smaller: tuple[tuple[Pages, tuple[int, ...]], ...] = ()

    def understand(self, told: str | None = None) -> AxesGuess:
        """Say which axis is which.

        Parameters
        ----------
        told : str or None
            The person's own words, which come before the file's.

        Returns
        -------
        AxesGuess
            For `shape`.

        Raises
        ------
        InputError
            `told` cannot be the axes of this image.
        """
        try:
            if told is not None:
                return told_axes(told, self.shape, self.declared)
            guess = understand_axes(self.shape, self.declared)
        except InputError as error:
            raise InputError(f"{self.path}: {error.args[0]}", *error.args[1:]) from error
        return guess if self.trusted else AxesGuess(guess.axes, False, "; ".join(self.notes[:1]))

    def stack(self, axes: str | None = None) -> Stack:
        """Make the lazy stack.

        Parameters
        ----------
        axes : str or None
            See `understand`.

        Returns
        -------
        Stack
            Named after the file; channels without a name are called ``channel 0``, ``channel 1``, ...
        """
        guess = self.understand(axes)
        data = lazy_tczyx(self._reader(guess.axes))
        names = self.calibration.channels
        if len(names) != data.shape[1]:
            names = default_names(data.shape[1])
        notes = (guess.note, *(note for note in self.notes if note not in guess.note))
        return Stack(
            data,
            names,
            stem_of(self.path),
            str(self.path),
            pixel_size_um=self.calibration.pixel_size_um,
            frame_interval_s=self.calibration.frame_interval_s,
            axes_note=". ".join(notes),
            axes_sure=guess.sure,
            smaller=tuple(
                lazy_tczyx(replace(self._reader(guess.axes), pages=pages, shape=shape))
                for pages, shape in self.smaller
            ),
        )

    def plane(self, block: tuple[int, int] = (0, 0), block_px: int = 0) -> Array:
        """Read the first plane, or a block of it.

        Parameters
        ----------
        block : tuple of int
            Which, counted down and to the right.
        block_px : int
            Side of the blocks; 0 for the whole plane.

        Returns
        -------
        ndarray
            Axes YX.
        """
        reader = replace(self._reader(self.understand().axes), block_px=block_px)
        plane: Array = reader((0, 0, 0, *block))[0, 0, 0]
        return plane

    def _reader(self, axes: str) -> PlaneReader:
        letters = iter(axes)
        mapped = "".join("S" if letter == "S" else next(letters) for letter in self.file_axes)
        return PlaneReader(self.pages, mapped, self.file_shape, self.paged, self.dtype)


def default_names(n: int) -> tuple[str, ...]:
    """Name channels that have no name.

    Parameters
    ----------
    n : int
        How many.

    Returns
    -------
    tuple of str
        ``channel 0``, ``channel 1``, ...: numbered as napari numbers them.
    """
    return tuple(f"channel {i}" for i in range(n))


def check_plausible(path: Path, declared_bytes: int, ratio: int) -> None:
    """Refuse a header that declares more than the file can hold, before any memory is taken.

    Parameters
    ----------
    path : Path
        The file.
    declared_bytes : int
        What its pixels would need.
    ratio : int
        How much smaller than its pixels such a file can be; 1 for uncompressed data.

    Raises
    ------
    InputError
        The file is too small.
    """
    size = path.stat().st_size
    if declared_bytes > size * ratio:
        raise InputError(
            f"{path} declares {in_words(declared_bytes)} of pixels but holds only {in_words(size)}",
            "The file is damaged, or was cut short while it was copied or written",
            "Copy it again from the microscope's computer, or export it again",
        )


def in_words(n_bytes: int) -> str:
    """Say a number of bytes.

    Parameters
    ----------
    n_bytes : int
        How many.

    Returns
    -------
    str
        Such as ``"1.2 GB"``.
    """
    size = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
