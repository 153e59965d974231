"""Whether one model file finds the same in float32 and bfloat16, by torch and OpenVINO, on a CPU and a GPU.

torch in float32 on the CPU is the reference. The images are those kept aside from the bundled model of
stained nuclei, to each of which it is applied as for a person: the size of its objects is measured first.
``MODELS`` is the folder of the models, by default of those that come with the program; ``EVERY`` (1) takes
only every so many images.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks._bundled_data import nuclei_fluorescence
from benchmarks._learning import DATA, SKIPPED, Labels, find, score
from napari_cellseg.config import Device, Engine, Precision, PredictConfig
from napari_cellseg.errors import SettingsError
from napari_cellseg.evaluate.report import evaluate
from napari_cellseg.learn.engine import choose_engine
from napari_cellseg.learn.registry import bundled_models_folder
from napari_cellseg.learn.runtime import choose_device, number_format
from napari_cellseg.progress import follow

MODEL = Path(os.environ.get("MODELS", bundled_models_folder())) / "nuclei-fluorescence"
EVERY = int(os.environ.get("EVERY", "1"))
TOLERANCE = 0.002
IOUS = (50, 60, 70, 75, 80, 90)
Way = tuple[Device, Precision, Engine]
WAYS: tuple[Way, ...] = (
    ("cpu", "float32", "torch"),
    ("cpu", "bfloat16", "torch"),
    ("cpu", "float32", "openvino"),
    ("cpu", "bfloat16", "openvino"),
    ("cuda", "float32", "torch"),
    ("cuda", "bfloat16", "torch"),
    ("mps", "float32", "torch"),
    ("mps", "bfloat16", "torch"),
)
"""The first one is the reference."""


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in one way.

    Attributes
    ----------
    labels : list of ndarray
        Axes YX, one per image.
    ap : dict of int to float
        Pooled AP by IoU threshold in percent.
    seconds : float
        Per megapixel.
    """

    labels: list[Labels]
    ap: dict[int, float]
    seconds: float


def there(way: Way) -> bool:
    """Tell whether this computer has a device, its number format and an engine.

    Parameters
    ----------
    way : tuple
        The three.

    Returns
    -------
    bool
        True when it has all.
    """
    device, precision, engine = way
    try:
        number_format(choose_device(device).name, precision)
        choose_engine(engine, device)
    except SettingsError:
        return False
    return True


def named(way: Way) -> str:
    """Write a way in columns.

    Parameters
    ----------
    way : tuple
        Device, number format and engine.

    Returns
    -------
    str
        Of the same length for all.
    """
    return f"{way[0]:<5}{way[1]:<9}{way[2]:<9}"


def told(way: Way, found: Found, reference: Found) -> str:
    """Compare what was found in one way with the reference.

    Parameters
    ----------
    way : tuple
        Device, number format and engine.
    found, reference : Found
        Of the same images.

    Returns
    -------
    str
        AP, its difference, and how much is the same, in three lines.
    """
    ap = " ".join(f"{found.ap[iou]:.4f}" for iou in IOUS)
    lines = [f"{named(way)} AP {ap}  {found.seconds:.2f} s/Mpx"]
    if found is not reference:
        away = {iou: found.ap[iou] - reference.ap[iou] for iou in IOUS}
        largest = max(abs(value) for value in away.values())
        same = same_objects(found.labels, reference.labels)
        lines += [
            f"{'away':<23}    " + " ".join(f"{value:+.4f}" for value in away.values()),
            f"{'':<23} the largest, {largest:.4f}, is {'below' if largest < TOLERANCE else 'NOT below'} "
            f"{TOLERANCE}; of all objects {same[50]:.2%} are found in both (IoU 0.5), {same[90]:.2%} alike "
            f"(IoU 0.9); {reference.seconds / found.seconds:.1f} times as fast",
        ]
    return "\n".join(lines)


def same_objects(found: Sequence[Labels], reference: Sequence[Labels]) -> dict[int, float]:
    """Measure how much of what was found in two ways is the same.

    Parameters
    ----------
    found, reference : sequence of ndarray
        Axes YX, one per image.

    Returns
    -------
    dict of int to float
        Objects that both have over those that either has, by IoU threshold in percent.
    """
    pairs = [(str(i), truth, labels) for i, (truth, labels) in enumerate(zip(reference, found, strict=True))]
    scores = follow(evaluate(pairs)).pooled()
    return {iou: scores[f"ap{iou}"] for iou in IOUS}


def main() -> int:
    """Predict in every way that is there.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    cases = nuclei_fluorescence().tested[::EVERY]
    print(f"{MODEL.name}, {len(cases)} images; AP at IoU {', '.join(f'{iou / 100:g}' for iou in IOUS)}")
    reference: Found | None = None
    for way in WAYS:
        if not there(way):
            print(f"{named(way)} is not there", flush=True)
            continue
        labels, seconds = find(MODEL, cases, PredictConfig(device=way[0], precision=way[1], engine=way[2]))
        scores = score(cases, labels).pooled()
        found = Found(labels, {iou: scores[f"ap{iou}"] for iou in IOUS}, seconds)
        reference = reference or found
        print(told(way, found, reference), flush=True)
    return 0
