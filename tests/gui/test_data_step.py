import numpy as np
import pytest
import tifffile

from napari_cellseg.data.sample_study import sample_positions
from napari_cellseg.ui.data_step import DataStep


@pytest.fixture
def step(session, qtbot):
    step = DataStep(session)
    qtbot.addWidget(step)
    step.show()
    qtbot.wait(20)
    yield step
    step.shut_down()


def pair(viewer, movie, **kwargs):
    phase, stain, _ = movie(**kwargs)
    return viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")


def test_says_what_is_missing_and_offers_the_sample(step):
    assert step.session.stack is None
    assert "No image is open yet" in step.message.text
    assert step.message.button.text() == "Try the sample"
    assert step.summary == ("todo", "open an image")


def test_chooses_by_name_whatever_the_order_and_touches_no_layer(step, viewer, movie, until):
    phase, stain, _ = movie()
    other = viewer.add_image(stain, name="Hoechst")
    image = viewer.add_image(phase, name="BF", scale=(1, 0.65, 0.65), units=("pixel", "um", "um"))
    until(lambda: step.session.stack is not None and step.session.fluorescence_layer is not None)
    session = step.session
    assert (session.image_layer, session.fluorescence_layer) == (image, other)
    assert session.stack.channels == ("BF", "Hoechst")
    assert (session.image_channel, session.fluorescence_channel) == (0, 1)
    assert session.image_channel_name == "BF"
    assert step.summary == ("done", "2 channels · 4 frames · 0.65 µm/px")
    assert [layer.name for layer in viewer.layers] == ["Hoechst", "BF"]
    assert step.primary.text() == "Go on: make labels"


def test_the_persons_choice_stays_when_layers_come(step, viewer, movie, until):
    phase, stain, _ = movie()
    first = viewer.add_image(phase, name="first")
    second = viewer.add_image(stain, name="second")
    step.fluorescence.choose(second)
    step.fluorescence.activated.emit(step.fluorescence.currentIndex())
    until(lambda: step.session.fluorescence_layer is second)
    viewer.add_image(stain, name="DAPI")
    viewer.add_image(phase, name="Phase")
    until(lambda: step.fluorescence.count() == 5)
    assert (step.session.image_layer, step.session.fluorescence_layer) == (first, second)


def test_our_own_layers_start_nothing_over(step, viewer, movie, until, qtbot):
    pair(viewer, movie)
    until(lambda: step.session.fluorescence_layer is not None)
    with qtbot.assertNotEmitted(step.session.stack_changed, wait=50):
        viewer.add_labels(np.zeros((4, 128, 160), int), metadata={"napari-cellseg": "auto"})


def test_pixel_size_and_interval_are_asked_only_when_unknown(step, viewer, movie, until):
    pair(viewer, movie)
    until(lambda: step.session.fluorescence_layer is not None)
    assert step.pixel_size.isVisibleTo(step)
    assert step.interval.isVisibleTo(step)
    step.pixel_size.setValue(0.5)
    step.interval.setValue(10)
    until(lambda: step.session.stack.frame_interval_s == 600)
    assert step.session.stack.pixel_size_um == pytest.approx(0.5)
    assert step.facts.text() == "160 × 128 px · 4 frames · 0.5 µm/px · 10 min"


def test_depth_is_asked_and_axes_that_are_a_guess_are_shown(step, viewer, until):
    viewer.add_image(np.random.default_rng(0).integers(0, 255, (3, 5, 30, 40), dtype=np.uint8), name="BF")
    until(lambda: step.session.stack is not None)
    assert step.axes.isVisibleTo(step)
    assert step._depth.isVisibleTo(step)
    assert step.session.stack.n_frames == 3
    until(lambda: step.summary[0] == "attention")
    step.axes.setCurrentIndex(step.axes.findData("ZTYX"))
    step.axes.activated.emit(step.axes.currentIndex())
    until(lambda: step.session.stack.n_frames == 5)
    assert step.session.time_axis == 1
    assert step.summary[0] == "done"


def test_channels_within_a_layer_are_told_apart(step, viewer, until):
    data = np.random.default_rng(0).integers(0, 255, (3, 2, 30, 40), dtype=np.uint8)
    viewer.add_image(data, name="both", axis_labels=("t", "c", "y", "x"))
    until(lambda: step.session.stack is not None)
    assert step.image_channel.isVisibleTo(step)
    step.fluorescence_channel.setCurrentIndex(2)
    step.fluorescence_channel.activated.emit(2)
    until(lambda: step.session.fluorescence_channel == 1)
    np.testing.assert_array_equal(step.session.stack.frame(2, 1), data[2, 1])


def test_layers_that_do_not_fit_are_told_in_a_sentence(step, viewer, movie, until):
    pair(viewer, movie)
    until(lambda: step.session.fluorescence_layer is not None)
    short = viewer.add_image(np.zeros((2, 128, 160), np.uint8), name="short")
    step.fluorescence.choose(short)
    until(lambda: step.session.stack is None)
    assert "The layer Phase has 4 frames" in step.message.text
    assert step.summary[0] == "attention"
    assert not step.primary.isEnabled()


def test_an_image_too_large_for_the_window_is_told(step, viewer, movie, until, session, monkeypatch):
    monkeypatch.setattr("napari_cellseg.data.stack.LARGE_PX", 50 * 50)
    phase, _, _ = movie()
    viewer.add_image(phase, name="mosaic")
    until(lambda: "million pixels" in step.message.text)
    assert "under Many files" in step.message.text
    assert session.stack is None


def test_going_on_leads_to_labels_or_to_counting(step, viewer, movie, until):
    wanted = []
    step.session.step_wanted.connect(wanted.append)
    image, other = pair(viewer, movie)
    until(lambda: step.session.fluorescence_layer is other)
    step.primary.click()
    viewer.layers.remove(other)
    until(lambda: step.session.fluorescence_layer is None)
    assert "nothing to make labels from" in step.message.text
    step.primary.click()
    assert wanted == ["Labels", "Count"]
    viewer.layers.remove(image)
    until(lambda: step.session.stack is None)


def test_a_file_is_shown_before_it_is_opened_and_axes_can_be_corrected(step, viewer, tmp_path, until):
    data = np.random.default_rng(0).integers(0, 255, (5, 40, 50), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "scan_BF.tif", data, photometric="minisblack", metadata=None)
    panel = step.open_panel
    panel.look_at([tmp_path / "scan_BF.tif"])
    until(panel.check.isVisible)
    assert "5 frames" in panel.words.text()
    assert "Axes" in panel.words.text()  # a guess, so it is shown
    assert panel.pictures.count() == 4  # a channel and a strip over time, each with its name
    assert not step.primary.isVisible()
    panel.axes.setCurrentIndex(panel.axes.findData("ZYX"))
    panel.axes.activated.emit(panel.axes.currentIndex())
    until(lambda: panel.go.isEnabled() and "1 time point" in panel.words.text())
    panel.go.click()
    until(lambda: step.session.stack is not None)
    assert step.session.stack.n_frames == 1
    np.testing.assert_array_equal(step.session.stack.frame(0, 0), data.max(0))


def test_what_cannot_be_read_is_told_in_a_sentence(step, tmp_path, until):
    (tmp_path / "notes.tif").write_text("not an image")
    step.open_panel.look_at([tmp_path / "notes.tif"])
    until(lambda: "notes.tif" in step.open_panel.message.text)
    assert step.open_panel.check.isHidden()


def test_positions_opened_together_are_shown_one_at_a_time(step, viewer, until):
    panel = step.open_panel
    panel.open_sample()
    until(lambda: step.session.fluorescence_layer is not None)
    assert panel.position.count() == len(sample_positions())
    assert [layer.name for layer in viewer.layers] == ["pos01 Phase", "pos01 Nuclei"]
    assert step.summary == ("done", "2 channels · 14 frames · 0.64 µm/px · 10 min")
    panel.position.setCurrentIndex(1)
    panel.position.activated.emit(1)
    until(lambda: step.session.stack is not None and step.session.stack.name == "pos02")
    assert [layer.name for layer in viewer.layers] == ["pos02 Phase", "pos02 Nuclei"]
    assert len(step.session.stacks) == len(sample_positions())
