"""What napari itself asks of us: read stacks, write labels, open samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import pint
import skimage

from napari_cellseg.data import write
from napari_cellseg.data.ome_zarr import is_zarr
from napari_cellseg.data.read import open_stack, open_stacks
from napari_cellseg.data.sample_study import sample_positions
from napari_cellseg.data.stack import Stack, is_large
from napari_cellseg.errors import InputError
from napari_cellseg.ui.pictures import PICTURE

if TYPE_CHECKING:
    LayerData = tuple[Any, dict[str, Any], str]
    Reader = Callable[[str | Sequence[str]], list[LayerData]]

SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")
_FOLDER_SUFFIXES = (*SUFFIXES, ".png", ".jpg", ".jpeg")
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LABEL_FOLDERS = ("truth", "label", "labels", "mask", "masks")
_GREY_WORDS = ("phase", "bright", "bf", "dic", "trans", "tl")
_GLOWING = ("green", "magenta", "cyan", "yellow", "red", "blue")


def read_stack(path: str | Sequence[str]) -> Reader | None:
    """Say whether we can read a file or folder, and with what.

    Parameters
    ----------
    path : str or sequence of str
        What the person opened; several paths when they are to be one stack.

    Returns
    -------
    callable or None
        Reads the same path into layer data; None leaves it to other readers.
    """
    paths = _as_paths(path)
    if paths and all(_looks_readable(each) for each in paths):
        return read_layers
    return None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Read a file or folder into layers.

    Parameters
    ----------
    path : str or sequence of str
        A TIFF, ImageJ or OME-TIFF file, an OME-Zarr folder, a folder of single images, or several files of
        one stack.

    Returns
    -------
    list of tuple
        Layer data, see `stack_layers`; label files become labels layers.

    Raises
    ------
    InputError
        It cannot be read; the message says why.
    """
    paths = _as_paths(path)
    stacks = open_stacks(paths) if len(paths) == 1 else [open_stack(paths)]
    layers: list[LayerData] = []
    for stack in stacks:
        prefix = f"{stack.name} " if len(stacks) > 1 else ""
        layers += [labels_layer(stack)] if _holds_labels(stack) else stack_layers(stack, prefix=prefix)
    return layers


def stack_layers(stack: Stack, *, prefix: str = "", z_step_um: float | None = None) -> list[LayerData]:
    """Turn a stack into one image layer per channel.

    Parameters
    ----------
    stack : Stack
        The stack; it stays lazy.
    prefix : str
        Put before each channel's name.
    z_step_um : float, optional
        Distance between z planes; taken for the pixel size when not known.

    Returns
    -------
    list of tuple
        Layer data: array of axes TZYX without those of length 1 (a single frame is YX), the layer's
        properties (channel name, colour map, contrast, scale and units, axis labels, and the stack itself
        under the metadata key `PICTURE`), and ``"image"``. Time has scale 1: its slider counts frames.
    """
    layers: list[LayerData] = []
    colours = _colours(stack.channels)
    for c, channel in enumerate(stack.channels):
        data, properties = _on_grid(stack, c, z_step_um)
        properties |= {
            "name": f"{prefix}{channel}",
            "colormap": colours[c],
            "blending": "translucent_no_depth" if colours[c] == "gray" else "additive",
            "metadata": {PICTURE: (stack, c)},
        }
        limits = _contrast(stack, c)
        if limits is not None:
            properties["contrast_limits"] = limits
        layers.append((data, properties, "image"))
    return layers


def labels_layer(stack: Stack) -> LayerData:
    """Turn a stack that holds labels into a labels layer.

    Parameters
    ----------
    stack : Stack
        One channel of integer labels.

    Returns
    -------
    tuple
        Layer data.
    """
    data, properties = _on_grid(stack, 0, None)
    if stack.data.dtype.itemsize > 4 or stack.data.dtype.kind == "u":
        whole = isinstance(data, da.Array)
        data = data.astype(np.int32) if whole else [level.astype(np.int32) for level in data]
    return data, {**properties, "name": stack.name, "metadata": {"source": stack.source}}, "labels"


def write_labels(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as a label TIFF that ImageJ and OME readers understand.

    Parameters
    ----------
    path : str
        Where to.
    data : array-like
        Axes YX, TYX, or TZYX with a single z plane; integers.
    meta : mapping
        The layer's properties, as napari gives them.

    Returns
    -------
    list of str
        The path written.

    Raises
    ------
    InputError
        The labels have several z planes.
    StorageError
        The file cannot be written.
    """
    labels = data[0] if meta.get("multiscale") else data
    if labels.ndim == 4 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim not in (2, 3):
        raise InputError(
            f"The layer {meta.get('name', '')} has {labels.ndim} axes {labels.shape}",
            "Labels of a movie have three: time, y and x",
            "Save it with napari's own writer",
        )
    known = meta.get("metadata", {}).get(PICTURE)
    write.write_labels(
        Path(path),
        _planes(labels),
        pixel_size_um=_pixel_size_um(meta),
        frame_interval_s=known[0].frame_interval_s if known else None,
    )
    return [str(path)]


def sample_phase_and_nuclei() -> list[LayerData]:
    """Open the first position of the sample study.

    Returns
    -------
    list of tuple
        Two image layers, Phase and Nuclei.
    """
    return read_layers(str(sample_positions()[0]))


def sample_phase_to_count() -> list[LayerData]:
    """Open the phase contrast of the last position of the sample study, to try a model on.

    Returns
    -------
    list of tuple
        One image layer, Phase.
    """
    return read_layers(str(sample_positions()[-1]))[:1]


def sample_cells3d() -> list[LayerData]:
    """Open scikit-image's three-dimensional picture of cells (downloaded once).

    Returns
    -------
    list of tuple
        Two image layers of axes ZYX, membrane and nuclei.

    Raises
    ------
    InputError
        It is not on this computer and cannot be downloaded.
    """
    zcyx = _from_skimage("cells3d")
    data = da.from_array(zcyx.swapaxes(0, 1)[None], chunks=(1, 1, 1, -1, -1))
    stack = Stack(data, ("membrane", "nuclei"), "cells3d", "skimage.data.cells3d", pixel_size_um=0.26)
    return stack_layers(stack, z_step_um=0.29)


def sample_human_mitosis() -> list[LayerData]:
    """Open scikit-image's picture of stained nuclei, some of them dividing (downloaded once).

    Returns
    -------
    list of tuple
        One image layer of axes YX, nuclei.

    Raises
    ------
    InputError
        It is not on this computer and cannot be downloaded.
    """
    data = da.from_array(_from_skimage("human_mitosis")[None, None, None], chunks=(1, 1, 1, -1, -1))
    return stack_layers(Stack(data, ("nuclei",), "human_mitosis", "skimage.data.human_mitosis"))


def _from_skimage(name: str) -> npt.NDArray[Any]:
    """Ask scikit-image for one of its pictures."""
    try:
        return np.asarray(getattr(skimage.data, name)())
    except (OSError, ModuleNotFoundError) as error:
        raise InputError(
            f"The sample {name} is not on this computer and could not be downloaded",
            "It comes from scikit-image over the internet, once",
            'Go online and try again, or open the sample "Phase contrast and nuclei (simulated)"',
        ) from error


def _as_paths(path: str | Sequence[str]) -> list[Path]:
    return [Path(path)] if isinstance(path, str | Path) else [Path(each) for each in path]


def _looks_readable(path: Path) -> bool:
    """Say whether this is a TIFF by its first bytes, or a folder with images in it."""
    try:
        if is_zarr(path):
            return True
        if path.is_dir():
            return any(child.suffix.lower() in _FOLDER_SUFFIXES for child in path.iterdir())
        if path.suffix.lower() not in SUFFIXES:
            return False
        with path.open("rb") as file:
            return file.read(4) in _TIFF_MAGIC
    except OSError:  # unreadable: not for us to say more, napari asks the next reader
        return False


def _holds_labels(stack: Stack) -> bool:
    """Say whether a stack is a label image, by what its file, its folder or its name say."""
    if len(stack.channels) != 1 or stack.data.dtype.kind not in "iu":
        return False
    if stack.channels[0].lower() == "labels" or Path(stack.source).parent.name.lower() in _LABEL_FOLDERS:
        return True
    return stack.name.lower().endswith(("_label", "_labels", "_mask", "_masks", "_seg"))


def _on_grid(stack: Stack, channel: int, z_step_um: float | None) -> tuple[Any, dict[str, Any]]:
    """One channel without axes of length 1, and what puts it at its place in the viewer."""
    if is_large(stack.frame_shape) and not stack.smaller:
        height, width = stack.frame_shape
        raise InputError(
            f"{stack.name} is {height} × {width} px and holds no smaller copies to be shown",
            "A pyramid was expected: OME-Zarr, or OME-TIFF with several resolutions",
            "Export it so, or count it without looking: napari-cellseg predict",
        )
    data = stack.data[:, channel]
    size = stack.pixel_size_um
    names, scale = ["time", "z", "y", "x"], [1.0, z_step_um or size or 1.0, size or 1.0, size or 1.0]
    units = ["pixel", *(["um" if size else "pixel"] * 3)]
    keep = [axis for axis in range(4) if axis > 1 or data.shape[axis] > 1]
    index = tuple(slice(None) if axis in keep else 0 for axis in range(4))
    properties = {
        "scale": [scale[axis] for axis in keep],
        "units": [units[axis] for axis in keep],
        "axis_labels": [names[axis] for axis in keep],
    }
    if not is_large(stack.frame_shape):
        return data[index], properties
    return [data[index], *(copy[:, channel][index] for copy in stack.smaller)], {
        **properties,
        "multiscale": True,
    }


def _colours(channels: Sequence[str]) -> list[str]:
    """Grey for what was seen with transmitted light, colours for what glows; a lone channel is grey."""
    if len(channels) == 1:
        return ["gray"]
    glowing = iter(_GLOWING * (1 + len(channels) // len(_GLOWING)))
    return [
        "gray" if any(word in name.lower() for word in _GREY_WORDS) else next(glowing) for name in channels
    ]


def _contrast(stack: Stack, channel: int) -> tuple[float, float] | None:
    """Find grey values that show a channel well; one spoilt frame does not matter. None for an even one."""
    shown = stack.smaller[-1] if stack.smaller else stack.data
    last, middle = stack.n_frames - 1, stack.data.shape[2] // 2
    lows, highs = [], []
    for t in sorted({round(last * part / 4) for part in range(5)}):
        values = np.asarray(shown[t, channel, middle], float)
        values = values[np.isfinite(values)]
        if len(values):
            low, high = np.percentile(values, [0.1, 99.9])
            lows.append(low)
            highs.append(high)
    if not lows:
        return None
    low, high = float(np.median(lows)), float(np.median(highs))
    return (low, high) if high > low else None


def _planes(labels: Any) -> Iterator[npt.NDArray[Any]] | npt.NDArray[Any]:
    """One frame after the other, so that a lazy movie is never held whole."""
    if labels.ndim == 2:
        return np.asarray(labels)
    return (np.asarray(frame) for frame in labels)


def _pixel_size_um(meta: Mapping[str, Any]) -> float | None:
    """Side of a pixel in µm, from the properties of a layer; None when its units are not lengths."""
    units, scale = meta.get("units"), meta.get("scale")
    if units is None or scale is None:
        return None
    side = pint.Quantity(float(scale[-1]), str(units[-1]))
    return float(side.to("um").magnitude) if side.is_compatible_with("um") else None
