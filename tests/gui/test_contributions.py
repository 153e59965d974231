"""What napari asks of us, asked by napari's own plugin machinery."""

import npe2
import numpy as np
import pytest
import skimage.data
import tifffile
from napari.components import ViewerModel
from napari.layers import Image, Labels
from skimage import draw

from napari_cellseg.data import pyramid as pyramid_module
from napari_cellseg.data import stack as stack_module
from napari_cellseg.data.pyramid import LabelPyramid
from napari_cellseg.data.sample_study import sample_positions, sample_study, sample_truth
from napari_cellseg.errors import InputError
from napari_cellseg.ui import contributions
from napari_cellseg.ui.pictures import PICTURE, stack_of

PLUGIN = "napari-cellseg"

pytestmark = pytest.mark.gui


@pytest.fixture
def viewer():
    return ViewerModel()


def test_the_manifest_is_found_and_every_command_leads_somewhere():
    manager = npe2.PluginManager.instance()
    manager.discover()
    manifest = manager.get_manifest(PLUGIN)
    commands = {command.id: command for command in manifest.contributions.commands}
    for command in commands.values():
        assert callable(manager.commands.get(command.id)), command.id
    used = [
        *manifest.contributions.widgets,
        *manifest.contributions.readers,
        *manifest.contributions.writers,
        *manifest.contributions.sample_data,
    ]
    assert {each.command for each in used} == set(commands)


def test_the_sample_opens_with_names_colours_and_scale(viewer):
    phase, nuclei = viewer.open_sample(PLUGIN, "phase_and_nuclei")
    assert [layer.name for layer in viewer.layers] == ["Phase", "Nuclei"]
    assert (phase.colormap.name, nuclei.colormap.name) == ("gray", "green")
    assert phase.data.shape == (14, 320, 320)
    assert np.allclose(phase.scale, (1, 0.64, 0.64))
    assert [str(unit) for unit in phase.units] == ["pixel", "micrometer", "micrometer"]
    assert phase.axis_labels == ("time", "y", "x")
    assert nuclei.contrast_limits[1] < 200, "one frame of leaked stain must not make the others dark"
    assert np.asarray(phase.data[3]).std() > 5
    viewer.dims.set_current_step(0, 5)
    assert viewer.dims.current_step[0] == 5, "the time slider counts frames"


def test_the_layers_give_their_stack_back(viewer):
    phase, nuclei = viewer.open_sample(PLUGIN, "phase_and_nuclei")
    stack = stack_of(phase, nuclei)
    assert stack.channels == ("Phase", "Nuclei")
    assert stack.name == "pos01"
    assert stack.frame_interval_s == pytest.approx(600)
    assert np.array_equal(stack.frame(2, 1), np.asarray(nuclei.data[2]))


def test_the_position_to_count_is_another_one(viewer):
    (phase,) = viewer.open_sample(PLUGIN, "phase_to_count")
    assert phase.metadata[PICTURE][0].name == "pos03"


def test_a_folder_of_stacks_names_its_layers_after_them(viewer, tmp_path):
    for path in sample_positions()[:2]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    layers = viewer.open(str(tmp_path), plugin=PLUGIN)
    assert [layer.name for layer in layers] == ["pos01 Phase", "pos01 Nuclei", "pos02 Phase", "pos02 Nuclei"]


def test_single_planes_open_as_one_movie(viewer, tmp_path):
    files = [tmp_path / f"img_t{t:03d}.tif" for t in range(3)]
    for t, file in enumerate(files):
        tifffile.imwrite(file, np.full((20, 30), t, np.uint16))
    (movie,) = viewer.open([str(file) for file in files], plugin=PLUGIN, stack=True)
    assert movie.data.shape == (3, 20, 30)
    assert [int(np.asarray(plane).max()) for plane in movie.data] == [0, 1, 2]


def test_one_plain_image_is_two_dimensional(viewer, tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "one.tif", image)
    (layer,) = viewer.open(str(tmp_path / "one.tif"), plugin=PLUGIN)
    assert isinstance(layer, Image)
    assert layer.data.shape == (40, 50)
    assert np.array_equal(np.asarray(layer.data), image)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_even_image_opens_too(viewer, tmp_path, value):
    tifffile.imwrite(tmp_path / "even.tif", np.full((16, 16), value, np.float32))
    (layer,) = viewer.open(str(tmp_path / "even.tif"), plugin=PLUGIN)
    assert layer.contrast_limits[0] < layer.contrast_limits[1]


def test_true_labels_open_as_labels(viewer):
    (layer,) = viewer.open(str(sample_truth(sample_positions()[0])), plugin=PLUGIN)
    assert isinstance(layer, Labels)
    assert layer.data.shape == (14, 320, 320)
    assert layer.data.dtype == np.int32
    assert np.allclose(layer.scale[1:], 0.64)


def test_what_is_not_ours_is_left_to_others(tmp_path):
    text = tmp_path / "notes.tif"
    text.write_text("not a picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    for path in (text, tmp_path / "absent.tif", tmp_path / "empty", tmp_path / "texts", tmp_path / "a.czi"):
        assert contributions.read_stack(str(path)) is None, path
    assert contributions.read_stack([]) is None
    assert contributions.read_stack([str(sample_positions()[0]), str(text)]) is None
    assert contributions.read_stack(str(sample_study())) is not None


def test_a_damaged_file_is_told_in_a_sentence(viewer, tmp_path):
    damaged = tmp_path / "cut.tif"
    damaged.write_bytes(sample_positions()[0].read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut\.tif"):
        viewer.open(str(damaged), plugin=PLUGIN)
    assert len(viewer.layers) == 0


@pytest.fixture
def movie():
    labels = np.zeros((3, 60, 70), np.int32)
    for t in range(3):
        labels[t][draw.disk((20 + t, 20), 8)] = 1
        labels[t][draw.disk((40, 50 - t), 9)] = 300
    return labels


def test_labels_are_saved_and_come_back(viewer, movie, tmp_path):
    layer = viewer.add_labels(movie, name="nuclei", scale=(1, 0.5, 0.5), units=("pixel", "um", "um"))
    target = tmp_path / "nuclei_labels.tif"
    assert layer.save(str(target), plugin=PLUGIN) == [str(target)]
    (back,) = viewer.open(str(target), plugin=PLUGIN)
    assert isinstance(back, Labels)
    assert np.array_equal(np.asarray(back.data), movie)
    assert np.allclose(back.scale[1:], 0.5)
    with tifffile.TiffFile(target) as file:
        assert file.is_imagej
        assert file.series[0].axes == "TYX"


@pytest.mark.parametrize("shape", [(60, 70), (2, 1, 60, 70)])
def test_labels_of_other_axes_are_saved(viewer, tmp_path, shape):
    labels = np.zeros(shape, np.uint16)
    labels[..., 10:20, 10:20] = 4
    layer = viewer.add_labels(labels, scale=[1] * len(shape))
    layer.save(str(tmp_path / "l.tif"), plugin=PLUGIN)
    assert np.array_equal(tifffile.imread(tmp_path / "l.tif"), labels.squeeze())


def test_labels_in_three_dimensions_are_refused_with_advice(tmp_path):
    with pytest.raises(InputError, match="napari's own writer"):
        contributions.write_labels(str(tmp_path / "a.tif"), np.zeros((2, 3, 8, 8), int), {"name": "deep"})
    assert not list(tmp_path.iterdir())


def test_scikit_images_samples(viewer, monkeypatch):
    cells = np.random.default_rng(0).integers(0, 4000, (6, 2, 32, 40), dtype=np.uint16)
    monkeypatch.setattr(skimage.data, "cells3d", lambda: cells)
    monkeypatch.setattr(skimage.data, "human_mitosis", lambda: cells[0, 0])
    membrane, nuclei = viewer.open_sample(PLUGIN, "cells3d")
    assert [membrane.name, nuclei.name] == ["membrane", "nuclei"]
    assert np.allclose(nuclei.scale, (0.29, 0.26, 0.26))
    assert np.array_equal(np.asarray(nuclei.data), cells[:, 1])
    (mitosis,) = viewer.open_sample(PLUGIN, "human_mitosis")
    assert mitosis.data.shape == (32, 40)


@pytest.mark.parametrize("error", [ConnectionError("offline"), ModuleNotFoundError("pooch"), OSError("no")])
def test_offline_is_said_in_a_sentence(viewer, monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(skimage.data, "cells3d", fail)
    with pytest.raises(InputError, match="not on this computer and could not be downloaded"):
        viewer.open_sample(PLUGIN, "cells3d")


@pytest.fixture
def small_frames_are_large(monkeypatch):
    monkeypatch.setattr(stack_module, "LARGE_PX", 100 * 100)
    monkeypatch.setattr(pyramid_module, "_SMALLEST_PX", 100)
    monkeypatch.setattr(pyramid_module, "_CHUNK_PX", 64)


def test_a_pyramid_of_labels_opens_as_labels_of_several_resolutions(viewer, tmp_path, small_frames_are_large):
    labels = np.zeros((1, 300, 400), np.uint32)
    labels[0, 100:140, 200:260] = 70_000
    with LabelPyramid(tmp_path / "well.ome.zarr", labels.shape, pixel_size_um=0.5) as pyramid:
        pyramid.write(0, (slice(None), slice(None)), labels[0])
    (layer,) = viewer.open(tmp_path / "well.ome.zarr", plugin=PLUGIN)
    assert isinstance(layer, Labels)
    assert layer.multiscale
    assert [level.shape for level in layer.data] == [(300, 400), (150, 200), (75, 100)]
    assert np.allclose(layer.scale, 0.5)
    assert np.asarray(layer.data[0])[120, 230] == 70_000


def test_a_large_tiff_with_several_resolutions_is_shown(viewer, tmp_path, small_frames_are_large):
    image = np.random.default_rng(0).integers(100, 900, (2, 256, 320), dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "large.ome.tif", ome=True) as tiff:
        tiff.write(image, subifds=1, tile=(64, 64), metadata={"axes": "CYX"})
        tiff.write(image[:, ::2, ::2], subfiletype=1, tile=(64, 64))
    layers = viewer.open(tmp_path / "large.ome.tif", plugin=PLUGIN)
    assert [[level.shape for level in layer.data] for layer in layers] == [[(256, 320), (128, 160)]] * 2
    np.testing.assert_array_equal(np.asarray(layers[1].data[1]), image[1, ::2, ::2])


def test_a_large_image_without_smaller_copies_is_told(tmp_path, small_frames_are_large):
    tifffile.imwrite(tmp_path / "large.tif", np.zeros((200, 300), np.uint8))
    with pytest.raises(InputError, match="200 × 300 px and holds no smaller copies"):
        contributions.read_layers(str(tmp_path / "large.tif"))
