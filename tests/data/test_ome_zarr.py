"""OME-Zarr images of both versions, plates and conversions, and what is none."""

import json
import shutil

import numpy as np
import pytest
import zarr

from napari_cellseg.data.inspect import inspect
from napari_cellseg.data.labels import read_labels
from napari_cellseg.data.ome_zarr import is_zarr, plate_fields
from napari_cellseg.data.opening import list_inputs, open_stack, open_stacks
from napari_cellseg.errors import InputError
from napari_cellseg.pipeline.batch import items_in

GREYS = np.arange(2 * 3 * 20 * 30, dtype=np.uint16).reshape(2, 3, 1, 20, 30)


def write_image(group, version="0.5", array=GREYS, axes="tczyx", units=True):
    """Write an image with two resolutions, as the specification shows it."""
    kinds = {"t": "time", "c": "channel"}
    unit = {"t": "minute", "y": "micrometer", "x": "micrometer", "z": "micrometer"}
    told = [
        {"name": a, "type": kinds.get(a, "space")} | ({"unit": unit[a]} if units and a in unit else {})
        for a in axes
    ]
    datasets = []
    for level in range(2):
        small = array[..., :: 2**level, :: 2**level]
        group.create_array(str(level), shape=small.shape, chunks=small.shape, dtype=small.dtype)[:] = small
        scale = [{"t": 5.0, "c": 1.0, "z": 2.0}.get(a, 0.65 * 2**level) for a in axes]
        datasets.append(
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    scales = [{"version": version, "axes": told, "datasets": datasets}]
    omero = {"channels": [{"label": name} for name in ("Phase", "DAPI", "GFP")]}
    metadata = {"multiscales": scales, "omero": omero}
    group.attrs.update(metadata if version == "0.4" else {"ome": {"version": version, **metadata}})


def new_group(path, version="0.5"):
    return zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)


@pytest.fixture(params=["0.4", "0.5"])
def image(request, tmp_path):
    write_image(new_group(tmp_path / "movie.ome.zarr", request.param), request.param)
    return tmp_path / "movie.ome.zarr"


def test_an_image_opens_as_a_stack(image):
    stack = open_stack(image)
    assert (stack.name, stack.data.shape) == ("movie", (2, 3, 1, 20, 30))
    assert stack.channels == ("Phase", "DAPI", "GFP")
    assert stack.pixel_size_um == pytest.approx(0.65)
    assert stack.frame_interval_s == pytest.approx(300)
    assert stack.axes_sure
    np.testing.assert_array_equal(stack.frame(1, 2), GREYS[1, 2, 0])


def test_it_is_found_in_a_folder(image):
    stacks = open_stacks([image.parent])
    assert [stack.name for stack in stacks] == ["movie"]
    assert [item.name for item in items_in([image.parent])] == ["movie"]
    assert "OME-Zarr" in inspect(image).kind


def test_units_that_are_not_told_are_not_known(tmp_path):
    write_image(new_group(tmp_path / "a.zarr"), units=False)
    stack = open_stack(tmp_path / "a.zarr")
    assert stack.pixel_size_um is None
    assert stack.frame_interval_s is None


def test_labels_are_read(tmp_path):
    labels = np.zeros((1, 20, 30), np.uint32)
    labels[0, 3:6, 4:9] = 70_000
    write_image(new_group(tmp_path / "a.zarr"), array=labels, axes="tyx")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.zarr"), labels[0])


@pytest.fixture
def plate(tmp_path):
    plate = new_group(tmp_path / "screen.ome.zarr")
    wells = [("A", "1"), ("B", "3")]
    told = [{"path": f"{row}/{column}", "rowIndex": 0, "columnIndex": 0} for row, column in wells]
    plate.attrs["ome"] = {"version": "0.5", "plate": {"wells": told, "rows": [], "columns": []}}
    for row, column in wells:
        well = plate.create_group(f"{row}/{column}")
        well.attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": "0"}, {"path": "1"}]}}
        for field in ("0", "1"):
            write_image(well.create_group(field))
    return tmp_path / "screen.ome.zarr"


def test_a_plate_is_its_fields_of_view(plate):
    assert [(field.well, field.position) for field in plate_fields(plate)] == [
        ("A1", "0"), ("A1", "1"), ("B3", "0"), ("B3", "1"),
    ]  # fmt: skip
    stacks = open_stacks([plate])
    assert [stack.name for stack in stacks] == ["screen_A1_0", "screen_A1_1", "screen_B3_0", "screen_B3_1"]
    assert len({stack.group for stack in stacks}) == 4
    np.testing.assert_array_equal(stacks[3].frame(1, 2), GREYS[1, 2, 0])
    assert [(item.name, item.well) for item in items_in([plate])][2] == ("screen_B3_0", "B3")


def test_one_field_of_a_plate_by_its_number(plate):
    assert open_stack(plate, series=3).data.shape == GREYS.shape
    with pytest.raises(InputError, match="holds 4 images"):
        open_stack(plate, series=4)


def test_a_conversion_by_bio_formats(tmp_path):
    group = new_group(tmp_path / "a.zarr", "0.4")
    group.attrs["bioformats2raw.layout"] = 3
    for name in ("0", "1"):
        write_image(group.create_group(name), "0.4")
    assert len(list_inputs([tmp_path / "a.zarr"])) == 1
    assert open_stack(tmp_path / "a.zarr", series=1).data.shape == GREYS.shape


def test_zarr_without_metadata_is_told(tmp_path):
    new_group(tmp_path / "a.zarr").create_array("0", shape=(4, 4), dtype="u1")
    assert is_zarr(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="without OME metadata"):
        open_stack(tmp_path / "a.zarr")


BROKEN = {
    "no scales": {"multiscales": []},
    "no datasets": {"multiscales": [{"axes": [{"name": "y"}, {"name": "x"}], "datasets": []}]},
    "other axes": {"multiscales": [{"axes": [{"name": "x"}, {"name": "y"}], "datasets": [{"path": "0"}]}]},
    "too few axes": {"multiscales": [{"axes": [{"name": "y"}], "datasets": [{"path": "0"}]}]},
    "not there": {"multiscales": [{"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "9"}]}]},
    "outside": {
        "multiscales": [{"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "../b.zarr/0"}]}]
    },
    "no text": {"multiscales": 7},
    "a plate of nothing": {"plate": {"wells": [{"path": "A/1"}]}},
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_metadata_are_told(tmp_path, case):
    write_image(new_group(tmp_path / "b.zarr"), array=GREYS[0, 0, 0], axes="yx")
    group = new_group(tmp_path / "a.zarr")
    group.create_array("0", shape=(4, 4), dtype="u1")
    group.attrs["ome"] = {"version": "0.5", **BROKEN[case]}
    with pytest.raises(InputError):
        open_stacks([tmp_path / "a.zarr"])


def test_a_mark_that_is_no_json_is_told(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        open_stack(tmp_path / "a.zarr")


def test_a_damaged_chunk_is_told(image):
    for chunk in [
        path
        for path in image.rglob("*")
        if path.is_file() and "json" not in path.name and not path.name.startswith(".z")
    ]:
        chunk.write_bytes(b"no chunk")
    with pytest.raises(InputError, match="damaged"):
        open_stack(image).frame(0, 0)


def test_an_array_that_is_gone_is_told(image):
    stack = open_stack(image)
    shutil.rmtree(image / "0")
    with pytest.raises(InputError, match="damaged"):
        stack.frame(0, 0)


def test_numbers_that_are_none(tmp_path):
    group = new_group(tmp_path / "a.zarr")
    write_image(group, array=GREYS[0, 0, 0], axes="yx")
    file = tmp_path / "a.zarr" / "zarr.json"
    file.write_text(file.read_text().replace("0.65", json.dumps("wide")))
    assert open_stack(tmp_path / "a.zarr").pixel_size_um is None
