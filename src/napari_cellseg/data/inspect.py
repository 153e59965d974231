"""How a file or folder is understood, in words and in small pictures, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_cellseg.data.axes import describe
from napari_cellseg.data.channels import kind_of
from napari_cellseg.data.files import look
from napari_cellseg.data.listing import images_at
from napari_cellseg.data.names import NamesPreview, understand_names
from napari_cellseg.data.opening import Grouping, open_stack, open_stacks
from napari_cellseg.data.pages import Array
from napari_cellseg.data.stack import Stack

Picture = npt.NDArray[np.uint8]

_MOST_STACKS = 12
_GAP_PX = 2
_PERCENT = (1.0, 99.8)


@dataclass(frozen=True)
class Inspection:
    """How a file or folder is understood.

    Attributes
    ----------
    path : Path
        The file or folder.
    kind : str
        In words, such as ``"ImageJ TIFF"`` or ``"folder"``.
    stacks : tuple of Stack
        The stacks in it.
    series : tuple of str
        All images of a file that may hold several, in words.
    names : NamesPreview or None
        How the names of a folder's files were understood.
    """

    path: Path
    kind: str
    stacks: tuple[Stack, ...]
    series: tuple[str, ...] = ()
    names: NamesPreview | None = None

    def lines(self) -> list[str]:
        """Say it for the command line.

        Returns
        -------
        list of str
            Kind, names, images in the file, and each stack with its axes, channels, type and units.
        """
        lines = [f"{self.path}: {self.kind}"]
        if self.names is not None:
            lines += ["Names: " + self.names.pattern, *self.names.lines()[1:]]
        if len(self.series) > 1:
            lines += ["Images (series) in the file:", *(f"  {line}" for line in self.series)]
        if len(self.stacks) == 1:
            return lines + stack_lines(self.stacks[0])
        lines.append(f"{len(self.stacks)} stacks")
        for stack in self.stacks[:_MOST_STACKS]:
            shape = describe(stack.data.shape, "TCZYX")
            lines.append(f"  {stack.name}: {shape}, {', '.join(stack.channels)}, field of view {stack.group}")
        if len(self.stacks) > _MOST_STACKS:
            lines.append(f"  and {len(self.stacks) - _MOST_STACKS} more")
        return [*lines, "The first of them:", *stack_lines(self.stacks[0])]

    def thumbnails(self, max_px: int = 96) -> dict[str, Picture]:
        """Draw the first stack small.

        Parameters
        ----------
        max_px : int
            Longest side of one picture.

        Returns
        -------
        dict of str to ndarray
            See `thumbnails`.

        Raises
        ------
        InputError
            A plane cannot be read.
        """
        return thumbnails(self.stacks[0], max_px)


def inspect(
    path: Path | str | Sequence[Path | str],
    *,
    axes: str | None = None,
    series: int = 0,
    together: bool | None = None,
) -> Inspection:
    """Find out how a file or folder is understood; no pixel is read.

    Parameters
    ----------
    path : Path, str or sequence of them
        A file, a folder, or files of one folder.
    axes : str or None
        See `open_stack`.
    series : int
        See `open_stack`.
    together : bool or None
        Of a folder: True, its files are one stack, as `open_stack` takes them; False, each is its own.
        None: as `open_stacks` takes them.

    Returns
    -------
    Inspection
        The stacks and all that was found on the way.

    Raises
    ------
    InputError
        Something cannot be read or understood; see the message.
    """
    files = _files(path)
    place = Path(path) if isinstance(path, Path | str) else files[0].parent
    if len(files) == 1:
        image = look(files[0], series)
        stack = open_stack(files[0], axes=axes, series=series)
        return Inspection(files[0], image.kind, (stack,), image.series)
    names = understand_names(files)
    if together:
        stacks = [open_stack(path, axes=axes)]
    else:
        grouping: Grouping = "auto" if together is None else "files"
        given = [place] if place.is_dir() and isinstance(path, Path | str) else files
        stacks = open_stacks(given, axes=axes, series=series, grouping=grouping)
    return Inspection(place, f"folder of {len(files)} images", tuple(stacks), names=names)


def _files(path: Path | str | Sequence[Path | str]) -> list[Path]:
    if not isinstance(path, Path | str):
        return [Path(file) for file in path]
    return images_at(Path(path))


def stack_lines(stack: Stack) -> list[str]:
    """Say all that is known about a stack.

    Parameters
    ----------
    stack : Stack
        The movie.

    Returns
    -------
    list of str
        Axes and how they were understood, channels, type, units, field of view.
    """
    kinds = [kind_of(name) for name in stack.channels]
    channels = [
        f"{i}: {name}" + (f" ({kind})" if kind and kind != name else "")
        for i, (name, kind) in enumerate(zip(stack.channels, kinds, strict=True))
    ]
    size = f"{stack.pixel_size_um:.4g} µm" if stack.pixel_size_um else "not known"
    interval = in_time(stack.frame_interval_s) if stack.frame_interval_s else "not known"
    return [
        f"Stack: {describe(stack.data.shape, 'TCZYX')}",
        f"Axes: {'' if stack.axes_sure else 'NOT SURE. '}{stack.axes_note}",
        f"Channels: {', '.join(channels)}",
        f"Pixel type: {stack.data.dtype}",
        f"Pixel size: {size}",
        f"Frame interval: {interval}",
        f"Field of view: {stack.group}",
    ]


def in_time(seconds: float) -> str:
    """Say a time.

    Parameters
    ----------
    seconds : float
        The time in s.

    Returns
    -------
    str
        In the unit that reads best, such as ``"10 min"``.
    """
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def thumbnails(stack: Stack, max_px: int = 96) -> dict[str, Picture]:
    """Draw small pictures from which a person sees whether the axes are right.

    Parameters
    ----------
    stack : Stack
        The movie.
    max_px : int
        Longest side of one picture.

    Returns
    -------
    dict of str to ndarray
        Axes YX, uint8. One picture per channel (first time point, middle plane); for each of time and depth
        that is longer than one a strip of the first, middle and last plane along it. Few planes are read.

    Raises
    ------
    InputError
        A plane cannot be read.
    """
    n_t, n_c, n_z = stack.data.shape[:3]
    middle = n_z // 2
    planes = [_plane(stack, 0, c, middle) for c in range(n_c)]
    pictures = {
        name if name.startswith("channel") else f"channel {name}": _grey(_small(plane, max_px))
        for name, plane in zip(stack.channels, planes, strict=True)
    }
    if n_t > 1:
        places = _three(n_t)
        strip = _strip([_small(_plane(stack, t, 0, middle), max_px) for t in places])
        pictures[f"time {', '.join(map(str, places))}"] = strip
    if n_z > 1:
        places = _three(n_z)
        pictures[f"depth {', '.join(map(str, places))}"] = _strip(
            [_small(_plane(stack, 0, 0, z), max_px) for z in places]
        )
    return pictures


def _plane(stack: Stack, t: int, c: int, z: int) -> Array:
    return np.asarray(stack.data[t, c, z])


def _three(n: int) -> list[int]:
    return sorted({0, n // 2, n - 1})


def _small(plane: Array, max_px: int) -> Array:
    """Average blocks of pixels until the longest side fits; a remainder at the border is left out."""
    step = max(1, -(-max(plane.shape) // max_px))
    height, width = (max(1, n // step) for n in plane.shape)
    rows, columns = min(step, plane.shape[0]), min(step, plane.shape[1])
    cut = plane[: height * rows, : width * columns].astype(np.float64)
    small: Array = cut.reshape(height, rows, width, columns).mean(axis=(1, 3))
    return small


def _grey(image: Array) -> Picture:
    """Stretch the contrast between percentiles 1 and 99.8; what is no number is black."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return np.zeros(image.shape, np.uint8)
    low, high = np.percentile(finite, _PERCENT)
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    if high <= low:
        return np.zeros(image.shape, np.uint8)
    scaled = np.clip((np.nan_to_num(image, nan=low, posinf=high, neginf=low) - low) / (high - low), 0, 1)
    picture: Picture = np.rint(scaled * 255).astype(np.uint8)
    return picture


def _strip(images: list[Array]) -> Picture:
    """Put images side by side, with one contrast for all and a light line between."""
    grey = np.split(_grey(np.concatenate(images, axis=1)), len(images), axis=1)
    line = np.full((images[0].shape[0], _GAP_PX), 255, np.uint8)
    parts = [part for picture in grey for part in (line, picture)]
    return np.concatenate(parts[1:], axis=1)
