"""Errors planted into true labels, as automatic labelling and networks make them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from benchmarks._learning import Labels
from napari_cellseg.label.overlap import contacts, numbered

KINDS = ("merged", "split", "leaking", "false")
_SHARE = 0.1
_LEAST_PX = 40

Planted = tuple[Labels, list[frozenset[int]]]


def planted(truth: Labels, kind: str, rng: np.random.Generator) -> Planted:
    """Make one in ten objects wrong.

    Parameters
    ----------
    truth : ndarray
        Axes YX, int32.
    kind : {"merged", "split", "leaking", "false"}
        Two that touch become one; one is cut in two across its long axis; one gets a lobe on the background,
        of the length of a typical object; an ellipse of 0.5 to 1.2 times the typical diameter lies on the
        background.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    labels : ndarray
        With the errors.
    wrong : list of frozenset of int
        The labels that each error concerns; it is found when one of them is listed.
    """
    labels = truth.copy()
    names, area, index = numbered(truth)
    wanted = max(1, round(_SHARE * len(names)))
    if not len(names):
        return labels, []
    if kind == "merged":
        return labels, _merge(labels, index, names, wanted, rng)
    diameter = 2 * float(np.sqrt(np.median(area) / np.pi))
    wrong: list[frozenset[int]] = []
    for i in rng.permutation(len(names)):
        if len(wrong) == wanted:
            break
        if kind == "split":
            found = _split(labels, int(names[i]))
        elif kind == "leaking":
            found = _leak(labels, int(names[i]), diameter, rng)
        else:
            found = _false(labels, diameter, rng)
        wrong += [found] if found else []
    return labels, wrong


def _merge(
    labels: Labels,
    index: npt.NDArray[np.int64],
    names: npt.NDArray[np.int64],
    wanted: int,
    rng: np.random.Generator,
) -> list[frozenset[int]]:
    used: set[int] = set()
    wrong: list[frozenset[int]] = []
    for i, j in rng.permutation(contacts(index, len(names)).pairs):
        if len(wrong) < wanted and not used & {int(i), int(j)}:
            labels[index == j + 1] = names[i]
            used |= {int(i), int(j)}
            wrong.append(frozenset({int(names[i])}))
    return wrong


def _split(labels: Labels, label: int) -> frozenset[int]:
    y, x = np.nonzero(labels == label)
    if len(y) < _LEAST_PX:
        return frozenset()
    off = np.stack([y - y.mean(), x - x.mean()])
    long = np.linalg.eigh(off @ off.T)[1][:, 1]
    half, new = long @ off > 0, int(labels.max()) + 1
    labels[y[half], x[half]] = new
    return frozenset({label, new})


def _leak(labels: Labels, label: int, diameter: float, rng: np.random.Generator) -> frozenset[int]:
    mask = labels == label
    y, x = np.nonzero(mask & ~ndi.binary_erosion(mask))
    at = int(rng.integers(len(y)))
    down, right = y[at] - y.mean(), x[at] - x.mean()
    length = max(float(np.hypot(down, right)), 1e-9)
    down, right = down / length, right / length
    rows, columns = np.ogrid[: labels.shape[0], : labels.shape[1]]
    dy, dx = rows - y[at] - down * diameter / 2, columns - x[at] - right * diameter / 2
    along, across = dy * down + dx * right, dx * down - dy * right
    lobe = ((along / (0.6 * diameter)) ** 2 + (across / (0.3 * diameter)) ** 2 < 1) & (labels == 0)
    if lobe.sum() < 0.3 * mask.sum():
        return frozenset()
    labels[lobe] = label
    return frozenset({label})


def _false(labels: Labels, diameter: float, rng: np.random.Generator) -> frozenset[int]:
    radius = diameter / 2 * rng.uniform(0.5, 1.2)
    free = np.argwhere(ndi.distance_transform_edt(labels == 0) > radius + 2)
    if not len(free):
        return frozenset()
    y, x = free[rng.integers(len(free))]
    rows, columns = np.ogrid[: labels.shape[0], : labels.shape[1]]
    new = int(labels.max()) + 1
    labels[((rows - y) / radius) ** 2 + ((columns - x) / (radius * rng.uniform(0.7, 1))) ** 2 < 1] = new
    return frozenset({new})
