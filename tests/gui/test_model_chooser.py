import time

import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_cellseg.data.project import Study
from napari_cellseg.learn import registry
from napari_cellseg.ui.count_step import CountStep
from napari_cellseg.ui.pictures import join_pictures, picture_of
from napari_cellseg.ui.train_step import TrainStep


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    folder = tmp_path / "bundled"
    monkeypatch.setattr(registry, "bundled_models_folder", lambda: folder)
    return folder


@pytest.fixture
def count(session, viewer, tmp_path, bundled):
    session.study = Study.at(tmp_path / "study")
    step = CountStep(session)
    viewer.window.add_dock_widget(step, area="right")
    yield step
    step.shut_down()


@pytest.fixture
def three(bundled, fake_model):
    """Models of three kinds, one of them with a cover."""
    cells = fake_model(bundled / "cells", title="Cells", objects="cells", modality="phase contrast")
    Image.new("RGB", (256, 256), "red").save(cells / "cover.png")
    fake_model(bundled / "stained", title="Stained nuclei", objects="nuclei", modality="fluorescence")
    fake_model(bundled / "bright", title="Nuclei", objects="nuclei", modality="bright-field")
    return bundled


def open_chooser(step, until, menu=None):
    (menu or step.menu).by_picture.trigger()
    chooser = (menu or step.menu)._combo._chooser
    until(lambda: not chooser.is_reading)
    return chooser


def names(chooser):
    return [one.name for one in chooser.cards.candidates(shown=True)]


def pick(box, text):
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def double_click(chooser, name):
    row = [one.name for one in chooser.cards.candidates()].index(name)
    place = chooser.cards.visualItemRect(chooser.cards.item(row)).center()
    for click in (QTest.mouseClick, QTest.mouseDClick):
        click(chooser.cards.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_filters_and_a_double_click_choose_the_model(count, session, three, until):
    chooser = open_chooser(count, until)
    assert names(chooser) == ["bright", "cells", "stained"]
    assert chooser.shown.text() == "3 of 3 models"
    pick(chooser.objects, "nuclei")
    assert names(chooser) == ["bright", "stained"]
    pick(chooser.modality, "fluorescence")
    assert names(chooser) == ["stained"]
    double_click(chooser, "stained")
    assert not chooser.isVisible()
    assert count.model.model == session.model == three / "stained"
    chooser = open_chooser(count, until)  # with nothing in the way of a second look
    pick(chooser.objects, "all")
    assert chooser.cards.chosen.name == "stained"


def test_arrows_and_enter_choose_and_cancel_keeps(count, three, until):
    chooser = open_chooser(count, until)
    until(chooser.cards.hasFocus)
    assert chooser.cards.chosen.name == "bright"
    QTest.keyClick(chooser.cards, Qt.Key.Key_Right)
    assert chooser.cards.chosen.name == "cells"
    QTest.keyClick(chooser.cards, Qt.Key.Key_Escape)
    assert count.model.model is None
    chooser = open_chooser(count, until)
    QTest.keyClick(chooser.cards, Qt.Key.Key_Down)  # two beside each other
    assert chooser.cards.chosen.name == "stained"
    QTest.keyClick(chooser.cards, Qt.Key.Key_Return)
    assert count.model.model == three / "stained"
    told = chooser.cards.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert told.startswith("Nuclei. Finds nuclei · bright-field. ")
    assert chooser.objects.accessibleName() == "What the model finds"


def test_the_last_entries_of_the_list_open_it_too(count, three, until):
    count.opened()
    until(lambda: count.model.n_models == 3)
    count.model.setCurrentIndex(0)
    count.model.activated.emit(0)
    count.model.setCurrentIndex(count.model.findText("choose by picture …"))
    count.model.activated.emit(count.model.currentIndex())
    assert count.model.model == three / "bright"  # until another is chosen
    chooser = count.model._chooser
    until(lambda: not chooser.is_reading)
    assert chooser.cards.chosen.name == "bright"


def test_the_kind_of_image_is_preset_from_the_channel(count, session, viewer, movie, three, until):
    image = viewer.add_image(movie()[0], name="Phase")
    session.use_stack(*join_pictures(picture_of(image)), image)
    chooser = open_chooser(count, until)
    assert chooser.modality.currentData() == "phase contrast"
    assert names(chooser) == ["cells"]
    pick(chooser.objects, "nuclei")
    assert "No model says that it is for this" in chooser.nothing.text()
    assert not chooser.use.isEnabled()
    pick(chooser.objects, "all")
    assert chooser.use.isEnabled()


def test_without_models_with_damaged_ones_and_without_covers(count, bundled, fake_model, until):
    chooser = open_chooser(count, until)
    assert "There is no model yet" in chooser.nothing.text()
    assert chooser.nothing.isVisible()
    assert not chooser.use.isEnabled()
    plain = fake_model(bundled / "plain")
    (plain / "cover.png").write_bytes(b"no picture")
    (fake_model(bundled / "torn") / "card.json").write_text('{"schema_version": 2')
    chooser = open_chooser(count, until)
    assert names(chooser) == ["plain"]
    assert chooser.cards.isVisible()
    assert chooser.note.text().startswith("⚠ 1 model cannot be used. The card of the model torn")
    drawn = chooser.cards.grab().toImage()
    cover = chooser.cards.item(0).data(Qt.ItemDataRole.UserRole + 1)
    assert not drawn.isNull()
    assert cover.toImage().pixelColor(2, 72).alpha() > 0  # a ground with an initial in place of a picture


def test_a_training_starts_from_the_model_chosen_by_picture(session, viewer, three, until, tmp_path):
    session.study = Study.at(tmp_path / "study")
    step = TrainStep(session)
    viewer.window.add_dock_widget(step, area="right")
    chooser = open_chooser(step, until)
    chooser.cards.choose(three / "cells")
    QTest.mouseClick(chooser.use, Qt.MouseButton.LeftButton)
    assert step.base.model == three / "cells"
    assert not step.net_section.isVisibleTo(step)
    step.shut_down()


def test_many_models_do_not_stall_the_window(count, bundled, fake_model, until, monkeypatch):
    for number in range(50):
        folder = fake_model(bundled / f"m{number:02}", limits=("Not for anything at all, really. " * 4,))
        Image.effect_noise((256, 256), 60).save(folder / "cover.png")
    count.menu.by_picture.trigger()
    chooser = count.model._chooser
    spent, came = [], chooser._came

    def timed(event):
        started = time.thread_time()  # of this thread alone: the machine may be busy
        came(event)
        spent.append(time.thread_time() - started)

    chooser._task.drop()
    monkeypatch.setattr(chooser, "_came", timed)
    chooser.open_for(None)
    until(lambda: not chooser.is_reading)
    assert len(spent) == chooser.cards.count() == 50
    assert max(spent) < 0.05
    started = time.thread_time()
    chooser.cards.repaint()
    assert time.thread_time() - started < 0.05
