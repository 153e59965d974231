"""How an entry of the journal of corrections is written, and read however damaged it may be."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit

_MOST_PX = 1 << 28
"""No box is larger: a gigabyte of labels, four times the frames of the largest cameras."""


def line_of(entry: dict[str, Any]) -> bytes:
    """Write an entry as a line.

    Parameters
    ----------
    entry : dict
        What JSON can hold.

    Returns
    -------
    bytes
        A checksum (CRC-32) of eight hexadecimal digits, a space, JSON, a line feed.
    """
    body = json.dumps(entry, separators=(",", ":")).encode()
    return f"{zlib.crc32(body):08x} ".encode() + body + b"\n"


def entry_of(line: bytes) -> dict[str, Any] | None:
    """Read an entry.

    Parameters
    ----------
    line : bytes
        As `line_of` made it.

    Returns
    -------
    dict or None
        None when the line is not complete, or holds something else.
    """
    check, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or check != f"{zlib.crc32(body):08x}".encode():
        return None
    try:
        entry = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def packed(edit: Edit) -> dict[str, Any]:
    """Make an edit fit for JSON.

    Parameters
    ----------
    edit : Edit
        The edit.

    Returns
    -------
    dict
        Its fields, labels as text.
    """
    return {
        "tool": edit.tool,
        "frame": int(edit.frame),
        "bbox": [int(n) for n in edit.bbox],
        "before": squeezed(edit.before),
        "after": squeezed(edit.after),
        "who": edit.who,
        "when": edit.when,
    }


def unpacked(entry: dict[str, Any]) -> Edit:
    """Make an edit from what `packed` made of it.

    Parameters
    ----------
    entry : dict
        Its fields.

    Returns
    -------
    Edit
        The same edit.

    Raises
    ------
    InputError
        The entry is no edit: something else wrote it.
    """
    try:
        y0, x0, y1, x1 = (_whole(n) for n in entry["bbox"])
        if not (0 <= y0 <= y1 and 0 <= x0 <= x1 and (y1 - y0) * (x1 - x0) <= _MOST_PX):
            raise ValueError(f"there is no box {entry['bbox']}")
        before, after = (expanded(entry[name], (y1 - y0, x1 - x0)) for name in ("before", "after"))
        tool, frame = str(entry["tool"]), _whole(entry["frame"])
        return Edit(tool, frame, (y0, x0, y1, x1), before, after, str(entry["who"]), str(entry["when"]))
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error, binascii.Error) as error:
        raise InputError(
            f"A correction in the journal cannot be read: {error}",
            "It was written by something else, or altered",
            "Put back a copy of the journal, or put it aside",
        ) from error


def squeezed(labels: npt.NDArray[np.int32]) -> str:
    """Write labels as text.

    Parameters
    ----------
    labels : ndarray
        Axes YX, int32.

    Returns
    -------
    str
        Runs in the order of rows: where each begins, then their labels; little-endian int32, zlib, base 64.
    """
    flat = labels.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]])) if flat.size else np.zeros(0)
    runs = np.concatenate([starts, flat[starts.astype(np.intp)]]).astype("<i4")
    return base64.b64encode(zlib.compress(runs.tobytes(), 1)).decode()


def expanded(text: str, shape: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Read labels from what `squeezed` made of them.

    Parameters
    ----------
    text : str
        The text.
    shape : tuple of int
        Height and width in px.

    Returns
    -------
    ndarray
        Axes YX, int32.

    Raises
    ------
    ValueError
        The text says something else.
    """
    size = shape[0] * shape[1]
    unpacker = zlib.decompressobj()  # never more than one run a pixel, however much a bomb would hold
    content = unpacker.decompress(base64.b64decode(text, validate=True), 8 * size + 8)
    if not unpacker.eof or len(content) % 8:
        raise ValueError("its labels are not complete")
    starts, labels = np.frombuffer(content, "<i4").reshape(2, -1)
    lengths = np.diff(starts, append=size)
    if (lengths <= 0).any() or (starts[0] != 0 if starts.size else size):
        raise ValueError("its labels do not fit its box")
    return np.repeat(labels, lengths).astype(np.int32).reshape(shape)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no whole number")
    return value
