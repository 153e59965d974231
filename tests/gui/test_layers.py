import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.ui.layer_combo import LayerCombo
from napari_cellseg.ui.layers import AUTO, PICTURE, add_labels, is_ours, is_picture, remove, role_of, spread
from napari_cellseg.ui.pictures import (
    Picture,
    axes_choices,
    axes_of,
    join_pictures,
    picture_of,
    pixel_size_um,
    stack_of,
)


@pytest.fixture
def viewer():
    return ViewerModel()  # a viewer without a window is enough for these


def ramp(*shape):
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def test_a_movie_and_its_fluorescence_become_one_stack(viewer):
    one, two = ramp(3, 20, 30), ramp(3, 20, 30) + 1
    image = viewer.add_image(one, name="BF", scale=(1, 0.5, 0.5), units=("pixel", "um", "um"))
    stain = viewer.add_image(two, name="DAPI")
    stack = stack_of(image, stain)
    assert stack.data.shape == (3, 2, 1, 20, 30)
    assert stack.data.chunksize == (1, 1, 1, 20, 30)
    assert stack.channels == ("BF", "DAPI")
    assert stack.pixel_size_um == pytest.approx(0.5)
    assert stack.axes_sure
    np.testing.assert_array_equal(stack.frame(2, 0), one[2])
    np.testing.assert_array_equal(stack.frame(1, 1), two[1])
    assert stack.frame(0, 0).dtype == np.uint16


def test_no_pixel_is_read_to_make_a_stack():
    def explode(block_id=None):
        raise AssertionError("read too early")

    meta = np.empty((0, 0, 0), np.uint8)
    lazy = da.map_blocks(explode, chunks=((1,) * 500, (64,), (64,)), dtype=np.uint8, meta=meta)
    stack, channels = join_pictures(Picture("huge", lazy, "TYX", True, False, None, None))
    assert stack.n_frames == 500
    assert (channels.image, channels.fluorescence) == (0, None)


@pytest.mark.parametrize(
    ("shape", "labels", "axes", "sure"),
    [
        ((20, 30), None, "YX", True),
        ((4, 20, 30), None, "TYX", True),
        ((4, 5, 20, 30), None, "TZYX", False),
        ((4, 20, 30), ("z", "y", "x"), "ZYX", True),
        ((4, 5, 20, 30), ("z", "t", "y", "x"), "ZTYX", True),
        ((4, 2, 20, 30), ("time", "channel", "y", "x"), "TCYX", True),
        ((2, 3, 4, 20, 30), None, "TCZYX", False),
    ],
)
def test_axes_come_from_labels_or_are_a_guess_that_says_so(viewer, shape, labels, axes, sure):
    layer = viewer.add_image(ramp(*shape), axis_labels=labels)
    assert axes_of(layer) == (axes, sure)
    assert axes_choices(layer)[0] == axes
    assert len(set(axes_choices(layer))) == len(axes_choices(layer))
    assert stack_of(layer).frame_shape == (20, 30)


def test_told_axes_and_planes(viewer):
    layer = viewer.add_image(ramp(2, 5, 8, 9))
    data = layer.data
    stack = stack_of(layer, axes="ZTYX", z=1)
    assert stack.n_frames == 5
    np.testing.assert_array_equal(stack.frame(3, 0), data[1, 3])
    np.testing.assert_array_equal(stack_of(layer, axes="TZYX", z="max").frame(1, 0), data[1].max(0))


def test_too_many_axes_are_refused_in_words(viewer):
    layer = viewer.add_image(np.zeros((1, 1, 1, 1, 5, 5), np.uint8), name="odd")
    with pytest.raises(InputError, match="The layer odd has 6 axes"):
        axes_of(layer)


def test_layers_of_two_recordings_are_refused_with_both_sizes(viewer):
    image, stain = viewer.add_image(ramp(3, 20, 30), name="a"), viewer.add_image(ramp(2, 20, 30), name="b")
    with pytest.raises(InputError, match=r"The layer a has 3 frames of 30 × 20 px, the layer b 2 frames"):
        stack_of(image, stain)


def test_colours_become_grey_and_pyramids_their_full_size(viewer):
    rgb = np.zeros((20, 30, 3), np.uint8)
    rgb[..., 1] = 100
    stack = stack_of(viewer.add_image(rgb, rgb=True, name="he"))
    assert stack.data.shape == (1, 1, 1, 20, 30)
    assert "grey" in stack.axes_note
    assert stack.frame(0, 0)[0, 0] == 72  # Rec. 709: green weighs 0.7152
    full = ramp(3, 40, 60)
    pyramid = viewer.add_image([full, full[:, ::2, ::2]], multiscale=True, name="p")
    np.testing.assert_array_equal(stack_of(pyramid).frame(1, 0), full[1])


def test_layers_that_we_opened_give_their_stack_back(viewer):
    pixels = da.zeros((2, 3, 1, 8, 9), chunks=(1, 1, 1, 8, 9))
    stack = Stack(pixels, ("p", "q", "r"), "plate", "/data/plate.tif")
    layers = [
        viewer.add_image(np.zeros((2, 8, 9)), name=name, metadata={PICTURE: (stack, c)})
        for c, name in enumerate(stack.channels)
    ]
    again, channels = join_pictures(picture_of(layers[2]), picture_of(layers[0]))
    assert again is stack
    assert (channels.image, channels.fluorescence) == (2, 0)


def test_one_layer_may_be_both(viewer):
    layer = viewer.add_image(ramp(3, 8, 9))
    stack, channels = join_pictures(picture_of(layer), picture_of(layer))
    assert stack.data.shape[1] == 1
    assert (channels.image, channels.fluorescence) == (0, 0)


@pytest.mark.parametrize(("unit", "um"), [("um", 0.5), ("nm", 0.0005), ("mm", 500.0), ("pixel", None)])
def test_pixel_size(viewer, unit, um):
    layer = viewer.add_image(ramp(8, 9), scale=(0.5, 0.5), units=(unit, unit))
    assert pixel_size_um(layer) == (pytest.approx(um) if um else None)


def test_labels_lie_on_the_pictures_grid_and_leave_the_active_layer_alone(viewer):
    place = {"scale": (1, 0.5, 0.5), "translate": (0, 3, 4), "units": ("pixel", "um", "um")}
    picture = viewer.add_image(ramp(3, 8, 9), **place)
    layer = add_labels(viewer, np.ones((3, 8, 9), np.int32), AUTO, "auto", picture, contour=2)
    assert viewer.layers.selection.active is picture
    np.testing.assert_array_equal(layer.scale, picture.scale)
    np.testing.assert_array_equal(layer.translate, picture.translate)
    assert (layer.name, layer.contour, role_of(layer)) == (AUTO, 2, "auto")
    assert is_ours(layer)
    assert not is_ours(picture)
    remove(viewer, layer)
    remove(viewer, layer)
    assert list(viewer.layers) == [picture]


def test_ignored_regions_are_grey_and_translucent_whatever_the_count(viewer):
    picture = viewer.add_image(ramp(8, 9))
    layer = add_labels(viewer, np.full((8, 9), -1, np.int32), AUTO, "auto", picture)
    red, green, blue, alpha = layer.get_color(-1)
    assert red == green == blue
    assert alpha < 1
    for label in (1, 2, 49, 50, 1000):
        assert layer.get_color(label)[3] == 1
    shown = layer.colormap.map(np.array([[-1, 0, 1]], np.int32))
    np.testing.assert_allclose(shown[0, 0], [red, green, blue, alpha])
    assert shown[0, 1, 3] == 0


def test_labels_of_a_movie_spread_over_depth_without_a_copy(viewer):
    picture = viewer.add_image(ramp(3, 4, 8, 9), axis_labels=("t", "z", "y", "x"))
    labels = ramp(3, 8, 9).astype(np.int32)
    wide = spread(labels, picture)
    assert wide.shape == (3, 4, 8, 9)
    assert np.shares_memory(wide, labels)
    np.testing.assert_array_equal(wide[1, 3], labels[1])
    flat = viewer.add_image(ramp(8, 9))
    assert spread(labels[:1], flat).shape == (8, 9)


class TestLayerCombo:
    @pytest.fixture
    def combo(self, viewer):
        combo = LayerCombo(viewer, is_picture, empty="none")
        yield combo
        combo.shut_down()
        combo.deleteLater()

    def test_follows_the_layer_list(self, viewer, combo):
        assert [combo.itemText(i) for i in range(combo.count())] == ["none"]
        first = viewer.add_image(ramp(8, 9), name="a")
        viewer.add_labels(np.zeros((8, 9), int))
        viewer.add_image(ramp(8, 9), name="p", metadata={"napari-cellseg": "probability"})
        viewer.add_image(ramp(8, 9), name="b")
        assert [combo.itemText(i) for i in range(combo.count())] == ["none", "a", "b"]
        combo.choose(first)
        first.name = "renamed"
        assert combo.currentText() == "renamed"
        viewer.layers.move(0, 4)
        assert combo.layer is first
        viewer.layers.remove(first)
        assert combo.layer is None

    def test_tells_a_change_of_layer_once(self, viewer, combo, qtbot):
        first, second = viewer.add_image(ramp(8, 9), name="a"), viewer.add_image(ramp(8, 9), name="b")
        with qtbot.waitSignal(combo.layer_changed) as told:
            combo.choose(second)
        assert told.args == [second]
        with qtbot.assertNotEmitted(combo.layer_changed):
            first.name = "other"
            combo.refresh()

    def test_lets_go_of_the_viewer(self, viewer):
        combo = LayerCombo(viewer, is_picture)
        combo.shut_down()
        viewer.add_image(ramp(8, 9), name="late")
        assert combo.count() == 0
        combo.deleteLater()
