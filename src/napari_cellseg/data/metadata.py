"""Pixel size, frame interval and channel names, from what the file says about itself."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tifffile

_UM_PER = {
    "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "nanometer": 1e-3, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6, "angstrom": 1e-4,
    "nm": 1e-3, "pm": 1e-6, "å": 1e-4, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0, "in": 25400.0,
}  # fmt: skip
_SECONDS_PER = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "µs": 1e-6, "μs": 1e-6,
    "us": 1e-6, "ns": 1e-9, "min": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0,
    "millisecond": 1e-3, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
_TAG_UNITS_UM = {2: 25400.0, 3: 1e4}  # TIFF 6.0, ResolutionUnit: 2 inch, 3 centimetre
_PLAUSIBLE_UM = (1e-3, 50.0)
_PLACE = re.compile(r"^\s*(?:(?:c|z|t|ch|s)\s*:\s*\d+\s*/\s*\d+\s*)+(?:-\s*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Calibration:
    """What a file says about its units and channels.

    Attributes
    ----------
    pixel_size_um : float or None
        Side of a pixel in µm.
    frame_interval_s : float or None
        Time between frames in s.
    channels : tuple of str
        Names of the channels; empty when there are none.
    """

    pixel_size_um: float | None = None
    frame_interval_s: float | None = None
    channels: tuple[str, ...] = ()


def positive(value: object) -> float | None:
    """Take a number only when it can be a size or a time.

    Parameters
    ----------
    value : object
        A number, a text, a rational as a pair, or None.

    Returns
    -------
    float or None
        None unless finite and above zero.
    """
    try:
        if isinstance(value, tuple):
            value = value[0] / value[1]
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _rounded(size: float) -> float:
    """Undo the rounding of TIFF's rational numbers: six digits are more than any microscope knows."""
    return float(f"{size:.6g}")


def _unit(text: object) -> str:
    return str(text or "").replace("\\u00B5", "µ").replace("\\u00b5", "µ").strip().lower()


def imagej_calibration(meta: Mapping[str, Any], x_resolution: object, n_channels: int) -> Calibration:
    """Read what ImageJ writes.

    Parameters
    ----------
    meta : mapping
        ImageJ's description as tifffile reads it: ``unit``, ``finterval``, ``tunit``, ``Labels``.
    x_resolution : object
        The XResolution tag: pixels per ``unit``.
    n_channels : int
        Number of channels.

    Returns
    -------
    Calibration
        ``fps`` is not taken: ImageJ means the speed of its animation by it.
    """
    per_unit, scale = positive(x_resolution), _UM_PER.get(_unit(meta.get("unit")))
    interval, seconds = positive(meta.get("finterval")), _SECONDS_PER.get(_unit(meta.get("tunit")) or "s")
    labels = meta.get("Labels") or ()
    labels = [labels] if isinstance(labels, str) else labels
    return Calibration(
        _rounded(scale / per_unit) if scale and per_unit else None,
        interval * seconds if interval and seconds else None,
        _names_from_labels([str(label) for label in labels], n_channels),
    )


def _names_from_labels(labels: Sequence[str], n_channels: int) -> tuple[str, ...]:
    """Take ImageJ's slice labels as channel names where each channel has one label in all frames."""
    if not labels or n_channels < 1 or len(labels) % n_channels:
        return ()
    names = []
    for channel in range(n_channels):
        cleaned = {_PLACE.sub("", label).split("\n")[0].strip() for label in labels[channel::n_channels]}
        if len(cleaned) != 1 or cleaned == {""}:
            return ()
        names.append(cleaned.pop())
    if n_channels == 1 and len(labels) == 1 and "." in names[0]:
        return ()  # ImageJ labels a single plane with its file name
    return tuple(names) if len(set(names)) == n_channels else ()


def tag_pixel_size(x_resolution: object, unit: object) -> float | None:
    """Read the pixel size from TIFF's own resolution tags.

    Parameters
    ----------
    x_resolution : object
        The XResolution tag, a rational.
    unit : object
        The ResolutionUnit tag: 2 inch, 3 centimetre; others give no size.

    Returns
    -------
    float or None
        In µm. None where it is a print resolution rather than a microscope's: above 50 µm (such as 72 or 300
        dots per inch) or below 1 nm.
    """
    per_unit = positive(x_resolution)
    scale = _TAG_UNITS_UM.get(int(unit)) if isinstance(unit, int) else None
    if not per_unit or not scale:
        return None
    size = scale / per_unit
    return _rounded(size) if _PLAUSIBLE_UM[0] <= size <= _PLAUSIBLE_UM[1] else None


def ome_calibration(ome_xml: str, image: int) -> Calibration:
    """Read OME-XML.

    Parameters
    ----------
    ome_xml : str
        The document.
    image : int
        Which of its images, from 0.

    Returns
    -------
    Calibration
        PhysicalSizeX (default µm), TimeIncrement (default s) or the usual step of DeltaT, and per channel its
        Name, Fluor or ContrastMethod.
    """
    try:
        images = _listed(tifffile.xml2dict(ome_xml).get("OME", {}).get("Image"))
        pixels = images[image]["Pixels"]
    except (ValueError, SyntaxError, KeyError, IndexError, TypeError, AttributeError):
        return Calibration()  # the pixels can be read without it
    if not isinstance(pixels, dict):
        return Calibration()
    size = positive(pixels.get("PhysicalSizeX"))
    scale = _UM_PER.get(_unit(pixels.get("PhysicalSizeXUnit", "µm")))
    interval = positive(pixels.get("TimeIncrement"))
    seconds = _SECONDS_PER.get(_unit(pixels.get("TimeIncrementUnit", "s")))
    names = [_channel_name(channel) for channel in _listed(pixels.get("Channel"))]
    return Calibration(
        size * scale if size and scale else None,
        interval * seconds if interval and seconds else _plane_interval(_listed(pixels.get("Plane"))),
        tuple(names) if names and all(names) else (),
    )


def ome_zarr_calibration(scales: Mapping[str, Any], omero: Mapping[str, Any], n_channels: int) -> Calibration:
    """Read the metadata of an OME-Zarr image.

    Parameters
    ----------
    scales : mapping
        The first entry of its ``multiscales``: ``axes`` with their units, and the ``scale`` of its first
        dataset and of all of them (https://ngff.openmicroscopy.org/0.5/, multiscales).
    omero : mapping
        Its ``omero``, with the labels of the channels; may be empty.
    n_channels : int
        Number of channels.

    Returns
    -------
    Calibration
        What is not told, or not as it should be, is None.
    """
    try:
        axes = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in scales["axes"]]
        named = {str(axis["name"]).lower(): i for i, axis in enumerate(axes)}
        steps = [1.0] * len(axes)
        for told in (scales["datasets"][0], scales):
            for change in told.get("coordinateTransformations") or ():
                if change.get("type") == "scale":
                    steps = [step * factor for step, factor in zip(steps, change["scale"], strict=True)]
        labels = [str(channel.get("label") or "").strip() for channel in omero.get("channels") or ()]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return Calibration()  # the pixels can be read without it

    def known(axis: str, units: Mapping[str, float]) -> float | None:
        unit = units.get(_unit(axes[named[axis]].get("unit"))) if axis in named else None
        size = positive(steps[named[axis]]) if unit else None
        return size * unit if size and unit else None

    told_all = len(labels) == n_channels and all(labels) and len(set(labels)) == len(labels)
    return Calibration(known("x", _UM_PER), known("t", _SECONDS_PER), tuple(labels) if told_all else ())


def _channel_name(channel: object) -> str:
    if not isinstance(channel, dict):
        return ""
    for key in ("Name", "Fluor", "ContrastMethod"):
        text = str(channel.get(key) or "").strip()
        if text:
            return text
    return ""


def _plane_interval(planes: list[Any]) -> float | None:
    """Take the median step of DeltaT of the first channel and plane."""
    times = {}
    for plane in planes:
        if isinstance(plane, dict) and not plane.get("TheC") and not plane.get("TheZ"):
            seconds = _SECONDS_PER.get(_unit(plane.get("DeltaTUnit", "s")))
            delta = plane.get("DeltaT")
            if seconds and isinstance(delta, int | float):
                times[plane.get("TheT", 0)] = delta * seconds
    ordered = [times[t] for t in sorted(times)]
    steps = sorted(b - a for a, b in itertools.pairwise(ordered))
    return positive(steps[len(steps) // 2]) if steps else None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
