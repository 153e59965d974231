import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtTest import QTest

from napari_cellseg.config import NetConfig
from napari_cellseg.data.project import Study
from napari_cellseg.data.read import read_labels
from napari_cellseg.progress import Note
from napari_cellseg.ui.count_step import CountStep
from napari_cellseg.ui.pictures import join_pictures, picture_of

N_FRAMES = 5


@pytest.fixture
def ready(session, viewer, movie, tmp_path):
    phase, stain, _places = movie(n_frames=N_FRAMES)
    image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
    stack, channels = join_pictures(picture_of(image), picture_of(other))
    session.use_stack(stack, channels, image, other)
    session.study = Study.at(tmp_path / "study")


@pytest.fixture
def count(session, viewer):
    step = CountStep(session)
    viewer.window.add_dock_widget(step, area="right")
    yield step
    step.shut_down()


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def model(session, ready, until):
    """A network that learned nothing: it finds something, and that is enough to look at."""
    made = []
    folder = session.study.models / "mine"
    session.run(untrained, folder, on_done=lambda _nothing: made.append(folder))
    until(lambda: made)
    return folder


def untrained(folder):
    """Write a model; runs in the helper, so that the window never meets torch."""
    from napari_cellseg.learn.card import ModelCard  # noqa: PLC0415
    from napari_cellseg.learn.model import save_model  # noqa: PLC0415
    from napari_cellseg.learn.nets import build  # noqa: PLC0415

    yield Note("making a model")
    net = NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16))
    unknown = {"data_fingerprint": "", "held_out_how": "", "device": "", "groups": (), "held_out": ()}
    card = ModelCard(
        name="mine",
        created="2026-01-01T00:00:00+00:00",
        net=net,
        low_percentile=1,
        high_percentile=99,
        object_diameter_px=14,
        train={},
        n_frames=1,
        scores={"iou": 0.5},
        epochs=1,
        seconds=1,
        versions={},
        **unknown,
    )
    save_model(folder, card, build(net, seed=0).eval().state_dict())


def test_without_images_or_model_the_way_there_is_told(count, session, movie, viewer):
    wanted = []
    session.step_wanted.connect(wanted.append)
    click(count.primary)
    assert "step 1" in count.message.text
    click(count.message.button)
    image = viewer.add_image(movie()[0], name="Phase")
    session.use_stack(*join_pictures(picture_of(image)), image)
    click(count.primary)
    assert count.model.currentIndex() == -1
    assert "Choose a model" in count.message.text
    click(count.message.button)
    assert wanted == ["Data", "Train"]


def test_count_look_and_export(model, count, session, viewer, until):
    count.opened()
    until(lambda: count.model.n_models >= 1)
    assert count.model.model == session.model == model
    assert "IoU 0.50" in count.model.currentText()
    session.go_to(2)
    click(count.one)
    until(lambda: count.summary[0] == "done")
    assert count.summary[1].startswith("1 frame ·")
    layer = session.prediction_layer
    assert layer.name == "nuclei (mine)"
    assert layer.contour == 1
    assert set(count._counts) == {2}

    click(count.primary)
    until(lambda: len(count._counts) == N_FRAMES and count.progress.task is None)
    until(lambda: len(session.cells.counts) == N_FRAMES)
    counted = list(count._counts)
    assert sorted(counted) == list(range(N_FRAMES))
    assert session.cells.counts["frame"].tolist() == list(range(N_FRAMES))
    movie_found = np.asarray(layer.data)
    for t, n in zip(count._summary.frames, count._summary.by_instances, strict=True):
        assert n == len(np.unique(movie_found[t])) - 1

    overlay = viewer.canvas.overlays["cellseg_count"]
    assert overlay.visible
    assert overlay.text.startswith(f"{count._summary.by_instances[2]} nucle")
    layer.visible = False  # as while an expert judges blind
    assert not overlay.visible
    layer.visible = True
    assert overlay.visible
    count.on_canvas.setChecked(False)
    assert not overlay.visible
    count.contours.setChecked(False)
    assert layer.contour == 0
    count.probability.setChecked(True)
    assert session.probability_layer.visible

    plot = count.panel.plot  # a click on the plot goes to the frame
    spot = plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(4.0, 1.0)))
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(spot.x(), spot.y()))
    until(lambda: session.frame() == 4)

    table = count.panel.table  # linked both ways
    at = max(counted, key=lambda t: len(count._counts.cells(t)))
    session.go_to(at)
    cells = count._counts.cells(at)
    assert len(cells) > 1, {t: len(count._counts.cells(t)) for t in count._counts}
    assert table.objects.rowCount() == len(cells)
    table.selectRow(1)
    assert layer.selected_label == cells["label"].iloc[1]
    count._picked(at, int(cells["label"].iloc[0]))
    assert table.currentIndex().row() == 0
    count.panel.all_frames.setChecked(True)
    assert table.objects.rowCount() == len(session.cells.cells)

    click(count.export)
    until(lambda: "counts.csv" in count.message.text)
    results = session.study.results
    counts = pd.read_csv(results / "counts.csv")
    assert counts["n_by_instances"].tolist() == count._summary.by_instances
    assert set(counts["model"]) == {"mine"}
    assert np.array_equal(read_labels(results / "Phase.tif"), movie_found)
    assert count.message.button.text() == "Open folder"

    session.use_stack(None)
    session.study = None
    session.stack_changed.emit()
    assert session.prediction_layer is None
    until(lambda: count.summary == ("todo", "not yet"))  # the export may just be saying that it is over


def test_a_model_told_while_the_models_are_listed_stays_chosen(count, session, model, until):
    count.opened()  # lists the models, with none wanted
    session.model = model
    session.model_changed.emit()
    count.opened()
    until(lambda: count.model.n_models)
    until(lambda: count.model.model == model)
    assert session.model == model
