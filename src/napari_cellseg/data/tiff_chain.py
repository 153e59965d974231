"""The chain of headers of a TIFF, walked before anything else reads it: a damaged one may go on for ever."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_cellseg.data.pages import unreadable

_MOST_TAGS = 4096


@dataclass(frozen=True)
class Chain:
    """The headers of a TIFF.

    Attributes
    ----------
    pages : int
        How many there are.
    broken_at : int or None
        Where the next header was expected but is none: in or beyond the file. None for a complete chain.
    """

    pages: int
    broken_at: int | None


def walk(path: Path) -> Chain:
    """Follow the chain of headers (TIFF 6.0, section 2; BigTIFF with its longer numbers).

    Parameters
    ----------
    path : Path
        A file that starts as a TIFF does.

    Returns
    -------
    Chain
        How far it goes.

    Raises
    ------
    InputError
        The chain runs in a circle.
    """
    size = path.stat().st_size
    seen: set[int] = set()
    with path.open("rb") as file:
        head = file.read(16)
        order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
        big = 43 in (head[2], head[3])
        offset_bytes, count_bytes, tag_bytes = (8, 8, 20) if big else (4, 2, 12)

        def number(raw: bytes) -> int:
            return int.from_bytes(raw, order)

        offset = number(head[8:16] if big else head[4:8])
        while offset:
            if offset in seen:
                raise unreadable(path, "its headers point at each other in a circle")
            if offset + count_bytes > size:
                return Chain(len(seen), offset)
            file.seek(offset)
            tags = number(file.read(count_bytes))
            end = offset + count_bytes + tags * tag_bytes
            if not 0 < tags <= _MOST_TAGS or end + offset_bytes > size:
                return Chain(len(seen), offset)
            seen.add(offset)
            file.seek(end)
            offset = number(file.read(offset_bytes))
    return Chain(len(seen), None)
