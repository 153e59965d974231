"""What the names of image files tell: well, position, time, channel and depth."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_cellseg.data.channels import kind_of
from napari_cellseg.data.match import stem_of

_SEPARATORS = re.compile(r"[_\-\s.]+")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_WELL = re.compile(r"(?:well)?([A-P])(0?[1-9]|1\d|2[0-4])")
_WORDS = {
    "t": ("timepoint", "time", "frame", "tp", "t"),
    "channel": ("channel", "chan", "ch", "c", "wavelength", "w"),
    "z": ("slice", "plane", "z"),
    "position": ("position", "pos", "series", "site", "field", "fov", "tile", "xy", "p", "s", "f", "m"),
    "": ("l", "a"),  # Yokogawa's time line and action, which tell nothing here
}
_MEANING = {word: part for part, words in _WORDS.items() for word in words}
_TOKEN = re.compile(rf"({'|'.join(sorted(_MEANING, key=len, reverse=True))})(\d+)", re.IGNORECASE)
_ALSO_TOKENS = frozenset("CFPM")  # C1 may be a well or a channel; P and F and M likewise

_INCUCYTE = re.compile(
    r"(?P<name>.*?)_?(?P<well>[A-P]\d{1,2})_(?P<position>\d+)_"
    r"(?:(?P<d>\d+)d|(?P<Y>\d{4})y(?P<M>\d{2})m(?P<D>\d{2})d_)(?P<h>\d{1,2})h(?P<m>\d{1,2})m"
)
_MICROMANAGER = re.compile(r"(?P<name>img)_(?P<t>\d{9})_(?P<channel>.+)_(?P<z>\d{3})")
_HARMONY = re.compile(
    r"r(?P<row>\d{2})c(?P<column>\d{2})f(?P<position>\d+)p(?P<z>\d+)-ch(?P<channel>\d+)sk(?P<t>\d+).*"
)

_DATED_S = 1e10  # some 300 years: a date rather than the length of an experiment

INCUCYTE, MICROMANAGER, HARMONY = "IncuCyte", "Micro-Manager", "Harmony"
CHAIN, TOKENS, WORDS, NONE = "xy01c1t001", "tokens", "channel words", ""
_PATTERNS = {
    INCUCYTE: "IncuCyte: NAME_WELL_TILE_DAYSdHOURShMINUTESm",
    MICROMANAGER: "Micro-Manager: img_TIME_CHANNEL_Z, or img_channel0_position0_time0_z0",
    HARMONY: "Harmony: rROWcCOLUMNfFIELDpPLANE-chCHANNELskTIME",
    CHAIN: "Letters with numbers, such as xy01c1t001",
    TOKENS: "Letters with numbers, such as NAME_p01_t001_c1_z1",
    WORDS: "Names of channels, such as NAME_phase",
    NONE: "No time, channel, depth, well or position was found in the names",
}
_EXPORTS = frozenset({INCUCYTE, MICROMANAGER, HARMONY, CHAIN})


@dataclass(frozen=True)
class NameParts:
    """What one file's name tells.

    Attributes
    ----------
    file : Path
        The file.
    style : str
        Which pattern its name follows; empty for none.
    name : str
        What is left of the name: the experiment.
    well : str
        Such as ``"A1"``; empty when not told.
    position : str
        Tile, site or field of view; empty when not told.
    channel : str
        Such as ``"c1"`` or ``"phase"``; empty when not told.
    t : int or None
        Number of the time point, as in the name; of IncuCyte the minutes.
    z : int or None
        Number of the plane, as in the name.
    time_s : float or None
        Time in seconds when the name tells it.
    """

    file: Path
    style: str = NONE
    name: str = ""
    well: str = ""
    position: str = ""
    channel: str = ""
    t: int | None = None
    z: int | None = None
    time_s: float | None = None

    @property
    def field(self) -> str:
        """Name of the field of view: experiment, well and position, as far as they are told."""
        return "_".join(part for part in (self.name, self.well, self.position) if part)

    @property
    def told(self) -> bool:
        """Whether the name tells anything at all."""
        return bool(self.well or self.position or self.channel) or self.t is not None or self.z is not None

    def line(self) -> str:
        """Say how the name was understood.

        Returns
        -------
        str
            Such as ``"VID7_A1_2_00d04h00m.tif: VID7, well A1, position 2, time 4 h"``.
        """
        parts = [self.name] if self.name else []
        parts += [f"well {self.well}"] if self.well else []
        parts += [f"position {self.position}"] if self.position else []
        parts += [f"channel {self.channel}"] if self.channel else []
        if self.time_s is not None:
            parts.append(f"time {self.time_s / 3600:g} h")
        elif self.t is not None:
            parts.append(f"time {self.t}")
        parts += [f"plane {self.z}"] if self.z is not None else []
        return f"{self.file.name}: {', '.join(parts) if self.told else 'a single image'}"


@dataclass(frozen=True)
class NamesPreview:
    """How the names of a folder's files were understood.

    Attributes
    ----------
    rows : tuple of NameParts
        One per file.
    pattern : str
        The pattern in words.
    """

    rows: tuple[NameParts, ...]
    pattern: str

    @property
    def told(self) -> bool:
        """Whether the names tell anything at all."""
        return any(row.told for row in self.rows)

    def fields(self) -> dict[str, list[NameParts]]:
        """Sort the files by field of view.

        Returns
        -------
        dict of str to list of NameParts
            By experiment, well and position, in the order of the files.
        """
        found: dict[str, list[NameParts]] = {}
        for row in self.rows:
            found.setdefault(row.field, []).append(row)
        return found

    def lines(self, most: int = 5) -> list[str]:
        """Say how the names were understood, for the person to check.

        Parameters
        ----------
        most : int
            So many files are shown as examples.

        Returns
        -------
        list of str
            The pattern, what there is of each kind, and examples.
        """
        kinds: dict[str, set[Any]] = {
            "wells": {row.well for row in self.rows if row.well},
            "positions": {row.position for row in self.rows if row.position},
            "channels": {row.channel for row in self.rows if row.channel},
            "times": {row.t for row in self.rows if row.t is not None},
            "planes": {row.z for row in self.rows if row.z is not None},
        }
        counts = [_counted(kind, values) for kind, values in kinds.items() if values]
        files = f"{len(self.rows)} files" if len(self.rows) != 1 else "1 file"
        shown = [f"  {row.line()}" for row in self.rows[:most]]
        more = [f"  and {len(self.rows) - most} more"] if len(self.rows) > most else []
        return [self.pattern, f"{files}{': ' if counts else ''}{', '.join(counts)}", *shown, *more]


def _counted(kind: str, values: set[Any]) -> str:
    named = sorted(map(str, values))
    listing = (
        f" ({', '.join(named)})" if len(named) <= 4 and kind in ("wells", "positions", "channels") else ""
    )
    return f"{len(named)} {kind if len(named) > 1 else kind[:-1]}{listing}"


def understand_names(files: Sequence[Path]) -> NamesPreview:
    """Find well, position, time, channel and depth in the names of files.

    Known: IncuCyte (``NAME_A1_2_00d04h00m``, also with dates), Micro-Manager, Harmony, and letters with
    numbers, chained (``xy01c1t001``) or apart (``NAME_p0011_t00011_z001``, ``_t001_c1``, ``A09_s1_w1``);
    channels by their names too (``NAME_phase``, ``NAME_dapi``). A capital C, F, P or M with a number is a
    well where files beside it show other letters in the same place.

    Parameters
    ----------
    files : sequence of Path
        Files of one folder; they need not exist.

    Returns
    -------
    NamesPreview
        One row per file, in the order given.
    """
    stems = [_GUID.sub("", stem_of(file)) for file in files]
    well_places = _well_places(stems)
    rows = tuple(_parts(Path(file), stem, well_places) for file, stem in zip(files, stems, strict=True))
    rows = _since_the_first(rows)
    styles = [row.style for row in rows if row.style]
    common = max(sorted(set(styles)), key=styles.count) if styles else NONE
    return NamesPreview(rows, _PATTERNS[common])


def _since_the_first(rows: tuple[NameParts, ...]) -> tuple[NameParts, ...]:
    """Count dated times from the earliest."""
    dated = [row.time_s for row in rows if row.time_s is not None and row.time_s > _DATED_S]
    if not dated:
        return rows
    first = min(dated)
    return tuple(
        replace(row, time_s=row.time_s - first, t=int(row.time_s - first) // 60)
        if row.time_s is not None and row.time_s > _DATED_S
        else row
        for row in rows
    )


def is_export(rows: Sequence[NameParts]) -> bool:
    """Tell whether files are one-plane-per-file exports of a movie, as microscopes write them.

    Parameters
    ----------
    rows : sequence of NameParts
        Files of one field of view.

    Returns
    -------
    bool
        True for IncuCyte, Micro-Manager, Harmony and chained names (``xy01c1t001``).
    """
    return all(row.style in _EXPORTS for row in rows)


def _well_places(stems: Sequence[str]) -> frozenset[int]:
    """Find the places in the names where capital letters with numbers are wells."""
    letters: dict[int, set[str]] = {}
    for stem in stems:
        for place, piece in enumerate(_SEPARATORS.split(stem)):
            if match := _WELL.fullmatch(piece):
                letters.setdefault(place, set()).add("-" if piece.startswith("well") else match[1])
    return frozenset(place for place, seen in letters.items() if len(seen) > 1 or not seen <= _ALSO_TOKENS)


def _parts(file: Path, stem: str, well_places: frozenset[int]) -> NameParts:
    if match := _INCUCYTE.fullmatch(stem):
        return _incucyte(file, match)
    if match := _MICROMANAGER.fullmatch(stem):
        t, channel, z = int(match["t"]), match["channel"], int(match["z"])
        return NameParts(file, MICROMANAGER, match["name"], channel=channel, t=t, z=z)
    if match := _HARMONY.fullmatch(stem):
        well = f"{chr(ord('A') - 1 + int(match['row']))}{int(match['column'])}"
        field, channel = f"f{match['position']}", f"ch{match['channel']}"
        return NameParts(file, HARMONY, "", well, field, channel, int(match["t"]), int(match["z"]))
    return _tokens(file, stem, well_places)


def _incucyte(file: Path, match: re.Match[str]) -> NameParts:
    name, channel = _without_channel_word(match["name"])
    minutes = int(match["h"]) * 60 + int(match["m"])
    if match["d"] is not None:
        minutes += int(match["d"]) * 1440
    else:
        minutes += datetime.date(int(match["Y"]), int(match["M"]), int(match["D"])).toordinal() * 1440
    seconds = minutes * 60.0
    return NameParts(file, INCUCYTE, name, match["well"], match["position"], channel, minutes, None, seconds)


def _without_channel_word(name: str) -> tuple[str, str]:
    pieces = [piece for piece in _SEPARATORS.split(name) if piece]
    for piece in pieces:
        if _is_channel_word(piece):
            return "_".join(other for other in pieces if other is not piece), piece
    return name, ""


def _is_channel_word(piece: str) -> bool:
    return piece.isalpha() and len(piece) > 1 and kind_of(piece) is not None


def _tokens(file: Path, stem: str, well_places: frozenset[int]) -> NameParts:
    found: dict[str, list[str]] = {"well": [], "position": [], "channel": [], "t": [], "z": []}
    rest, style = [], NONE
    for place, piece in enumerate(_SEPARATORS.split(stem)):
        if place in well_places and (match := _WELL.fullmatch(piece)):
            found["well"].append(f"{match[1]}{match[2]}")
            style = style or TOKENS
        elif tokens := list(_chain(piece)):
            for part, text in tokens:
                if part:
                    found[part].append(text)
            known = [part for part, _ in tokens if part]
            style = CHAIN if len(known) > 1 or piece.lower().startswith("xy") else style or TOKENS
        elif _is_channel_word(piece) and not found["channel"]:
            found["channel"].append(piece)
            style = style or WORDS
        elif piece:
            rest.append(piece)
    if len(found["t"]) > 1 or len(found["z"]) > 1 or len(found["channel"]) > 1:
        return NameParts(file, name=stem)  # the same axis twice: not understood rather than half understood
    words = {_lead(text) for texts in found.values() for text in texts}
    if {"channel", "position", "time", "z"} <= words:
        style = MICROMANAGER
    t, z = (int(_digits(found[axis][0])) if found[axis] else None for axis in "tz")
    well, position = "_".join(found["well"]), "_".join(found["position"])
    channel = found["channel"][0] if found["channel"] else ""
    return NameParts(file, style, "_".join(rest), well, position, channel, t, z)


def _chain(piece: str) -> Iterator[tuple[str, str]]:
    """Read a piece that consists of letters with numbers and nothing else."""
    tokens = list(_TOKEN.finditer(piece))
    if "".join(token[0] for token in tokens) != piece:
        return
    parts = [_MEANING[token[1].lower()] for token in tokens]
    if any(parts):
        yield from zip(parts, (token[0] for token in tokens), strict=True)


def _digits(text: str) -> str:
    return text.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _lead(text: str) -> str:
    return text.rstrip("0123456789").lower()
