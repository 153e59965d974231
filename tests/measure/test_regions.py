import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import ConvexHull
from skimage.measure import regionprops_table

from napari_cellseg.measure.regions import Regions

Labels = npt.NDArray[np.int32]

REFERENCE = {
    "label": "label",
    "area": "area",
    "centroid_y": "centroid-0",
    "centroid_x": "centroid-1",
    "diameter": "equivalent_diameter_area",
    "major_axis": "axis_major_length",
    "minor_axis": "axis_minor_length",
    "eccentricity": "eccentricity",
    "perimeter": "perimeter",
    "bbox_y0": "bbox-0",
    "bbox_x0": "bbox-1",
    "bbox_y1": "bbox-2",
    "bbox_x1": "bbox-3",
}


def reference(labels: Labels) -> dict[str, npt.NDArray[np.float64]]:
    properties = sorted({name.split("-")[0] for name in REFERENCE.values()})
    found = regionprops_table(np.maximum(labels, 0), properties=properties)
    return {ours: found[theirs] for ours, theirs in REFERENCE.items()}


def hull_area(mask: npt.NDArray[np.bool_]) -> float:
    corners = (np.argwhere(mask)[:, None] + [[0, 0], [0, 1], [1, 0], [1, 1]]).reshape(-1, 2)
    return float(ConvexHull(corners).volume)


@given(arrays(np.int32, (8, 9), elements=st.integers(-1, 4)))
@settings(max_examples=60)
def test_shapes_are_those_of_scikit_image(labels: Labels) -> None:
    found = Regions(labels).shapes()
    if not (labels > 0).any():
        assert all(len(values) == 0 for values in found.values())
        return
    for name, expected in reference(labels).items():
        np.testing.assert_allclose(found[name], expected, atol=1e-6, err_msg=name)
    hulls = [hull_area(labels == label) for label in found["label"]]
    np.testing.assert_allclose(found["solidity"], found["area"] / hulls)


def test_known_shapes(shapes: Labels) -> None:
    found = Regions(shapes).shapes()
    assert found["label"].tolist() == [1, 3, 7, 12, 40]
    assert found["area"].tolist() == [100, 80, 16, 144, 1]
    np.testing.assert_allclose(found["centroid_y"][:2], [6.5, 3.5])
    np.testing.assert_allclose(found["centroid_x"][:2], [7.5, 29.5])
    np.testing.assert_allclose(found["solidity"][[0, 1, 4]], 1)
    assert found["solidity"][3] == pytest.approx(144 / (20 * 20 - 16 * 16 / 2))
    assert found["eccentricity"][0] == 0
    assert found["eccentricity"][1] == pytest.approx(np.sqrt(1 - (4**2 - 1) / (20**2 - 1)))
    np.testing.assert_allclose(found["orientation_deg"][[1, 4]], 0)
    assert found["orientation_deg"][2] == pytest.approx(45, abs=3)  # rising to the right
    assert [found[f"bbox_{side}"][1] for side in ("y0", "x0", "y1", "x1")] == [2, 20, 6, 40]


def test_turning_an_object_turns_its_angle_only(shapes: Labels) -> None:
    one, turned = Regions(shapes).shapes(), Regions(np.rot90(shapes)).shapes()
    for name in ("area", "perimeter", "eccentricity", "solidity", "diameter", "major_axis"):
        np.testing.assert_allclose(one[name], turned[name], err_msg=name)
    assert abs(turned["orientation_deg"][1]) == pytest.approx(90)
    assert turned["orientation_deg"][2] == pytest.approx(one["orientation_deg"][2] - 90)


def test_intensities_are_those_of_the_pixels(shapes: Labels) -> None:
    image = np.random.default_rng(0).integers(0, 65535, shapes.shape, dtype=np.uint16)
    regions = Regions(shapes)
    found = regions.intensities(image)
    for i, label in enumerate(regions.labels):
        pixels = image[shapes == label].astype(float)
        expected = [pixels.mean(), pixels.min(), pixels.max(), pixels.std()]
        np.testing.assert_allclose([found[name][i] for name in ("mean", "min", "max", "std")], expected)


def test_missing_pixels_are_told_and_do_not_spread(shapes: Labels) -> None:
    image = np.ones(shapes.shape, np.float32)
    image[3, 4], image[3, 21] = np.nan, np.inf
    found = Regions(shapes).intensities(image)
    assert all(np.isnan(found[name][0]) for name in ("mean", "min", "max", "std"))
    assert (found["mean"][1], found["max"][1], found["min"][1]) == (np.inf, np.inf, 1)
    assert np.isnan(found["std"][1])
    assert found["mean"][2] == 1


def test_huge_numbers_cost_no_memory(shapes: Labels) -> None:
    huge = np.where(shapes > 0, shapes.astype(np.int64) + 2**40, 0)
    found = Regions(huge).shapes()
    assert found["label"][0] == 2**40 + 1
    np.testing.assert_array_equal(found["area"], Regions(shapes).shapes()["area"])


def test_a_thousand_objects_take_a_fraction_of_a_second(grid: Labels) -> None:
    image = np.random.default_rng(0).random(grid.shape)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        regions = Regions(grid)
        regions.shapes()
        regions.intensities(image)
        times.append(time.perf_counter() - start)
    assert len(regions) == 1024
    assert min(times) < 1.0  # 0.2 s on an idle core; tests share theirs


@pytest.mark.real
def test_real_nuclei_are_measured_as_by_scikit_image(real_data: Path) -> None:
    labels = tifffile.imread(sorted((real_data / "bbbc039" / "masks").glob("*.tif"))[0])
    found = Regions(labels).shapes()
    for name, expected in reference(labels).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=1e-6, err_msg=name)
    theirs = regionprops_table(labels, properties=("solidity", "orientation"))
    large = found["area"] > 200  # theirs takes pixels as diamonds and counts whole ones in the hull
    np.testing.assert_allclose(found["solidity"][large], theirs["solidity"][large], atol=0.04)
    turned = (90 + np.degrees(theirs["orientation"]) - found["orientation_deg"] + 90) % 180 - 90
    elongated = found["eccentricity"] > 0.3
    np.testing.assert_allclose(turned[elongated], 0, atol=1e-4)
