"""How an entry of the journal of corrections is written."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellseg.label.change import Edit


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
        None when the line is not complete.
    """
    check, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or check != f"{zlib.crc32(body):08x}".encode():
        return None
    entry: dict[str, Any] = json.loads(body)
    return entry


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
        "before": _squeezed(edit.before),
        "after": _squeezed(edit.after),
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
    """
    y0, x0, y1, x1 = entry["bbox"]
    before, after = (_expanded(entry[name], (y1 - y0, x1 - x0)) for name in ("before", "after"))
    return Edit(entry["tool"], entry["frame"], (y0, x0, y1, x1), before, after, entry["who"], entry["when"])


def _squeezed(labels: npt.NDArray[np.int32]) -> str:
    """Write labels as runs: where each begins, and its label; little-endian, zlib, base 64."""
    flat = labels.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]])) if flat.size else np.zeros(0)
    runs = np.concatenate([starts, flat[starts.astype(np.intp)]]).astype("<i4")
    return base64.b64encode(zlib.compress(runs.tobytes(), 1)).decode()


def _expanded(text: str, shape: tuple[int, int]) -> npt.NDArray[np.int32]:
    runs = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i4")
    starts, labels = runs[: runs.size // 2], runs[runs.size // 2 :]
    lengths = np.diff(np.append(starts, shape[0] * shape[1]))
    return np.repeat(labels, lengths).astype(np.int32).reshape(shape)
