import numpy as np
import pytest
from napari.utils._proxies import ReadOnlyWrapper
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks

from napari_cellseg.config import LabelConfig
from napari_cellseg.data.channels import Channels
from napari_cellseg.data.project import open_label_movie
from napari_cellseg.label.triage import load_verdicts
from napari_cellseg.ui.diameter_line import NAME, DiameterLine
from napari_cellseg.ui.labels_step import LabelsStep
from napari_cellseg.ui.layers import AUTO, PREVIEW
from napari_cellseg.ui.pictures import join_pictures, picture_of

N_FRAMES = 8


@pytest.fixture
def chosen(session, viewer, movie):
    """Choose a pair of movies in the session, as step 1 does."""

    def chosen(stained=True, n_frames=N_FRAMES):
        phase, stain, places = movie(n_frames=n_frames)
        stain[2] = stain[2] // 8 + 150  # a dark frame
        image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
        stack, channels = join_pictures(picture_of(image), picture_of(other) if stained else None)
        session.use_stack(stack, channels, image, other if stained else None)
        return len(places)

    return chosen


@pytest.fixture
def mouse_event(request):
    return request.getfixturevalue("MouseEvent")  # napari's own


@pytest.fixture
def step(session, qtbot):
    step = LabelsStep(session)
    qtbot.addWidget(step)
    step.resize(380, 700)
    step.show()
    yield step
    step.shut_down()


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_sends_the_person_back_for_what_is_missing(step, chosen):
    wanted = []
    step.session.step_wanted.connect(wanted.append)
    assert not step.primary.isEnabled()
    assert step.summary == ("todo", "needs an image")
    chosen(stained=False)
    assert "none is chosen" in step.message.text
    step.message.button.click()
    assert wanted == ["Data"]


def test_preview_follows_settings_and_frames_and_goes_when_the_step_closes(step, viewer, chosen, until):
    n = chosen()
    step.session.go_to(0)
    step.opened()
    until(lambda: step.count.text() == f"{n} nuclei in frame 0")
    assert PREVIEW in names(viewer)
    layer = viewer.layers[PREVIEW]
    assert layer.contour > 0
    assert layer.data.shape == (128, 160)
    assert not layer.editable
    step.session.go_to(1)
    assert not layer.visible  # it belongs to another frame until it is made anew
    until(lambda: step.count.text() == f"{n} nuclei in frame 1")
    assert layer.visible
    step.form.set_value(LabelConfig(min_diameter_px=29, max_diameter_px=30))
    until(lambda: step.count.text() == "0 nuclei in frame 1")
    step.show_preview.setChecked(False)
    assert PREVIEW not in names(viewer)
    step.show_preview.setChecked(True)
    until(lambda: PREVIEW in names(viewer))
    step.closed()
    assert PREVIEW not in names(viewer)


def test_labels_are_made_shown_and_kept_and_come_back(step, viewer, chosen, until, session):
    n = chosen()
    made = []
    session.labels_changed.connect(lambda: made.append(session.labels_layer))
    step.primary.click()
    assert step.summary[0] == "running"
    assert not step.primary.isEnabled()
    until(lambda: session.verdicts)
    until(
        lambda: (
            session.labels_layer is not None
            and session.study.labels_auto.name in str(session.labels_layer.data.filename)
        )
    )
    assert AUTO in names(viewer)
    assert session.labels_layer.data.shape == (N_FRAMES, 128, 160)
    assert not session.labels_layer.editable
    on_disk = open_label_movie(session.study.labels_auto)
    np.testing.assert_array_equal(session.labels_layer.data, on_disk)
    assert len(np.unique(on_disk[0][on_disk[0] > 0])) == n
    assert len(load_verdicts(session.study.verdicts)) == N_FRAMES
    kept = [verdict for verdict in session.verdicts if verdict.keep]
    assert step.summary == ("done", f"{len(kept)} of {N_FRAMES} frames kept · {n * len(kept)} nuclei")
    assert step.review.table.isVisible()
    assert step.primary.text() == "Make labels again"
    until(lambda: step.review.table.frames.has_picture(0))

    session.go_to(0)
    step.review.table.overruled.emit([0], False)
    assert not session.verdicts[0].keep
    until(lambda: not load_verdicts(session.study.verdicts)[0].keep)
    step.review.table.overruled.emit([1], True)
    step.triage.widget("max_foreground").setValue(0)  # no frame is good enough now, but for the person's
    until(lambda: [verdict.frame for verdict in session.verdicts if verdict.keep] == [1])
    assert {verdict.frame for verdict in session.verdicts if verdict.by == "person"} == {0, 1}

    stack, image, other = session.stack, session.image_layer, session.fluorescence_layer
    session.use_stack(None)
    assert AUTO not in names(viewer)
    assert step.review.isHidden()
    session.use_stack(stack, Channels(0, 1), image, other)
    until(lambda: session.verdicts and AUTO in names(viewer))
    assert session.verdicts[0].by == "person"
    assert "made earlier" in step.message.text


def test_stop_changes_nothing(step, viewer, chosen, until, session):
    chosen(n_frames=60)
    step.make_labels()
    until(lambda: session.labels_layer is not None)
    step.progress.stop.click()
    until(step.primary.isEnabled)
    assert step.summary == ("attention", "stopped; nothing was changed")
    assert AUTO not in names(viewer)
    assert not session.study.labels_auto.exists()


def drag(viewer, layer, start, end, mouse_event):
    """Draw with the mouse, as napari hands it on."""
    for kind, position, call, dragging in (
        ("mouse_press", start, mouse_press_callbacks, False),
        ("mouse_move", end, mouse_move_callbacks, True),
        ("mouse_release", end, mouse_release_callbacks, False),
    ):
        event = ReadOnlyWrapper(
            mouse_event(type=kind, position=position, is_dragging=dragging, dims_displayed=(1, 2), button=1),
            exceptions=("handled",),
        )
        call(layer, event)


def test_a_line_across_a_nucleus_sets_the_diameters(step, viewer, chosen, mouse_event, qtbot):
    chosen()
    before = viewer.layers.selection.active
    step.measure.click()
    assert NAME in names(viewer)
    drag(viewer, viewer.layers[NAME], (0, 20, 30), (0, 20, 50), mouse_event)
    qtbot.waitUntil(lambda: NAME not in names(viewer))
    assert not step.measure.isChecked()
    config = step.form.value()
    assert (config.min_diameter_px, config.max_diameter_px) == (10.0, 32.0)
    assert "Measured 20.0 px" in step.message.text
    assert viewer.layers.selection.active is before


def test_measuring_can_be_given_up(session, viewer, chosen, qtbot):
    chosen()
    line = DiameterLine(viewer, lambda: session.image_layer)
    with qtbot.waitSignal(line.ended), qtbot.assertNotEmitted(line.measured):
        line.start()
        viewer.layers.remove(viewer.layers[NAME])
    assert not line.active
    line.start()
    line.stop()
    assert NAME not in names(viewer)


def test_sizes_are_estimated_from_the_frame_in_sight(step, chosen, until, session):
    chosen()
    session.go_to(0)
    step.estimate.click()
    until(lambda: "Estimated from frame 0" in step.message.text)
    config = step.form.value()
    assert config.min_diameter_px < 14 < config.max_diameter_px  # the discs have a radius of 7 px


def test_labels_that_come_late_do_not_land_on_other_images(step, viewer, chosen, movie, until, session):
    chosen(n_frames=30)
    first = session.stack
    step.make_labels()
    until(lambda: session.labels_layer is not None)
    phase, stain, _ = movie(n_frames=3, height=96, width=96)
    image, other = viewer.add_image(phase, name="other BF"), viewer.add_image(stain, name="other DAPI")
    stack, channels = join_pictures(picture_of(image), picture_of(other))
    session.use_stack(stack, channels, image, other)
    assert AUTO not in names(viewer)
    until(lambda: "are ready" in step.message.text)
    assert first.source in step.message.text
    assert session.verdicts == []
    assert AUTO not in names(viewer)


def test_labels_of_another_size_are_left_alone(step, viewer, chosen, movie, until, session, tmp_path):
    chosen(n_frames=4)
    step.make_labels()
    until(lambda: session.verdicts)
    folder, labels = session.study.folder, session.study.labels_auto.read_bytes()
    phase, stain, _ = movie(n_frames=3)
    image, other = viewer.add_image(phase, name="new BF"), viewer.add_image(stain, name="new DAPI")
    stack, channels = join_pictures(picture_of(image), picture_of(other))
    session.use_stack(stack, channels, image, other)
    session.use_study_folder(folder)
    until(lambda: any("left alone" in line for line in session.log))
    assert session.verdicts == []
    assert (folder / "labels" / "auto.npy").read_bytes() == labels


def test_a_folder_that_cannot_be_written_is_told(step, chosen, session, tmp_path):
    chosen()
    (tmp_path / "file").write_text("in the way")
    session.study_folder = tmp_path / "file" / "study"
    step.make_labels()
    assert "cannot be" in step.message.text or "not" in step.message.text
    assert step.message.property("kind") == "error"
    assert step.primary.isEnabled()


def test_the_last_of_many_quick_verdicts_is_the_one_on_disk(step, chosen, until, session):
    chosen(n_frames=3)
    step.make_labels()
    until(lambda: session.verdicts)
    for keep in (True, False) * 10 + (True,):
        step.review.table.overruled.emit([1], keep)
    until(lambda: step.review._saving is None)
    assert load_verdicts(session.study.verdicts)[1].keep
    step.review.table.overruled.emit([1], False)
    step.review.shut_down()  # the window closes before the disk answered
    assert not load_verdicts(session.study.verdicts)[1].keep
