"""Which frames a model learns from, and which are kept aside to score it."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from napari_cellseg.data.samples import Sample

_SMALLEST_PART_PX = 64


@dataclass(frozen=True)
class Split:
    """Samples to learn from and to score on.

    Attributes
    ----------
    training, validation : tuple of Sample
        The two parts; no group is in both, where there are several.
    held_out : tuple of str
        Groups, or parts of the only group, kept aside.
    how : str
        How the split was made, in a sentence.
    """

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    held_out: tuple[str, ...]
    how: str


def split_samples(
    samples: Sequence[Sample], fraction: float, seed: int, earlier: Collection[str] = ()
) -> Split:
    """Keep whole groups aside; where there is only one, its last frames; of a single frame, a part.

    Parameters
    ----------
    samples : sequence of Sample
        At least one.
    fraction : float
        Part of the samples to keep aside, about.
    seed : int
        Which groups, by chance.
    earlier : collection of str
        Groups that an earlier model has never seen: they are kept aside again, so that both can be compared
        fairly.

    Returns
    -------
    Split
        The two parts.
    """
    groups = sorted({sample.group for sample in samples})
    if len(groups) > 1:
        return _by_group(samples, groups, fraction, seed, earlier)
    if len(samples) > 1:
        return _by_time(samples, fraction)
    return _by_place(samples[0], fraction)


def _by_group(
    samples: Sequence[Sample], groups: list[str], fraction: float, seed: int, earlier: Collection[str]
) -> Split:
    with_objects = {sample.group for sample in samples if (sample.labels > 0).any()}
    order = list(groups)
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    order.sort(key=lambda group: (group not in earlier, group not in with_objects))
    sizes = {group: sum(sample.group == group for sample in samples) for group in groups}
    held: list[str] = []
    for group in order[:-1]:  # one stays to learn from, whatever the fraction
        wanted = fraction * len(samples) - sum(sizes[other] for other in held)
        if held and sizes[group] / 2 > wanted:
            continue
        if len(with_objects - {*held, group}) == 0:
            continue
        held.append(group)
    held = held or order[:1]
    named = ", ".join(held) if len(held) <= 4 else f"{', '.join(held[:3])} and {len(held) - 3} more"
    return Split(
        tuple(sample for sample in samples if sample.group not in held),
        tuple(sample for sample in samples if sample.group in held),
        tuple(held),
        f"Kept aside to score the model: {named} ({len(held)} of {len(groups)} positions).",
    )


def _by_time(samples: Sequence[Sample], fraction: float) -> Split:
    n = min(len(samples) - 1, max(1, round(fraction * len(samples))))
    group = samples[0].group
    return Split(
        tuple(samples[:-n]),
        tuple(samples[-n:]),
        (f"{group}: the last {n} frames",),
        f"There is only one position: its last {n} of {len(samples)} frames are kept aside to score "
        "the model. The scores will be too good; label a second position for honest ones.",
    )


def _by_place(sample: Sample, fraction: float) -> Split:
    axis = 0 if sample.image.shape[0] >= sample.image.shape[1] else 1
    length = sample.image.shape[axis]
    at = length - max(round(length * max(fraction, 0.25)), min(_SMALLEST_PART_PX, length // 2))
    side = "lower" if axis == 0 else "right"
    if at < _SMALLEST_PART_PX // 2:
        return Split(
            (sample,),
            (sample,),
            (),
            "There is only one small frame: the model is scored on what it learned from. "
            "The scores mean little; label more frames.",
        )
    first, last = (_part(sample, axis, slice(None, at)), _part(sample, axis, slice(at, None)))
    return Split(
        (first,),
        (last,),
        (f"{sample.name}: the {side} part",),
        f"There is only one frame: its {side} part is kept aside to score the model. "
        "The scores will be too good; label more frames.",
    )


def _part(sample: Sample, axis: int, part: slice) -> Sample:
    box = (part, slice(None)) if axis == 0 else (slice(None), part)
    return replace(sample, image=sample.image[box], labels=sample.labels[box])
