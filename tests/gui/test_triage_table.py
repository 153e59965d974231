import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_cellseg.label.triage import FrameScores, Verdict
from napari_cellseg.ui.triage_table import FRAME, KEPT, NUCLEI, PICTURE, REASON, TriageTable


def verdict(t, n, keep=True, reason="nothing unusual"):
    return Verdict(t, keep, reason, FrameScores(t, 50 * n, 0, 10_000, n, 1.0, 1.0))


@pytest.fixture
def table(qtbot):
    table = TriageTable()
    qtbot.addWidget(table)
    table.resize(370, 400)
    table.set_verdicts(
        [verdict(0, 12), verdict(1, 9, False, "too empty"), verdict(2, 1100), verdict(3, 0, False)]
    )
    table.show()
    return table


def shown(table, column):
    model = table.model()
    return [model.data(model.index(row, column)) for row in range(model.rowCount())]


def cell(table, row, column):
    return table.visualRect(table.model().index(row, column)).center()


def test_shows_frame_count_verdict_and_reason(table):
    assert shown(table, FRAME) == ["0", "1", "2", "3"]
    assert shown(table, NUCLEI) == ["12", "9", "1,100", "0"]
    assert shown(table, REASON)[1] == "too empty"
    states = [
        table.model().data(table.model().index(row, KEPT), Qt.ItemDataRole.CheckStateRole) for row in range(4)
    ]
    assert [state == Qt.CheckState.Checked for state in states] == [True, False, True, False]


def test_sorts_by_number_not_by_letters(table):
    table.sortByColumn(NUCLEI, Qt.SortOrder.DescendingOrder)
    assert shown(table, FRAME) == ["2", "0", "1", "3"]
    table.sortByColumn(KEPT, Qt.SortOrder.AscendingOrder)
    assert set(shown(table, FRAME)[:2]) == {"1", "3"}


def test_a_click_goes_to_the_frame_whatever_the_order(table, qtbot):
    table.sortByColumn(NUCLEI, Qt.SortOrder.DescendingOrder)
    with qtbot.waitSignal(table.frame_chosen) as told:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=cell(table, 0, NUCLEI))
    assert told.args == [2]


def test_following_the_window_does_not_answer_back(table, qtbot):
    with qtbot.assertNotEmitted(table.frame_chosen):
        table.show_frame(3)
        table.show_frame(99)
    assert table.selected_frames() == [3]


def test_a_click_on_the_box_overrules(table, qtbot):
    with qtbot.waitSignal(table.overruled) as told:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=cell(table, 1, KEPT))
    assert told.args == [[1], True]


@pytest.mark.parametrize(
    ("key", "keep"), [(Qt.Key.Key_Space, True), (Qt.Key.Key_K, True), (Qt.Key.Key_R, False)]
)
def test_keys_overrule_all_selected_rows(table, qtbot, key, keep):
    table.show_frame(1)
    table.selectRow(1)
    table.selectionModel().select(
        table.model().index(3, 0),
        table.selectionModel().SelectionFlag.Select | table.selectionModel().SelectionFlag.Rows,
    )
    with qtbot.waitSignal(table.overruled) as told:
        qtbot.keyClick(table, key)
    assert sorted(told.args[0]) == [1, 3]
    assert told.args[1] is keep


def test_a_persons_word_is_marked(table):
    table.set_verdicts([verdict(0, 3, False, "too empty").overruled(True)], keep_pictures=True)
    assert shown(table, REASON) == ["By you: too empty"]


def test_thumbnails_are_asked_for_the_rows_in_sight_only(qtbot):
    table = TriageTable()
    qtbot.addWidget(table)
    table.resize(370, 300)
    with qtbot.waitExposed(table):
        table.show()
    with qtbot.waitSignal(table.pictures_wanted) as told:
        table.set_verdicts([verdict(t, 5) for t in range(500)])
    assert told.args[0][0] == 0
    assert len(told.args[0]) < 15
    for t in told.args[0]:
        table.frames.set_picture(t, np.zeros((40, 50, 3), np.uint8))
    assert table.model().data(table.model().index(0, PICTURE), Qt.ItemDataRole.DecorationRole) is not None
    with qtbot.waitSignal(table.pictures_wanted) as told:
        table.scrollToBottom()
    assert told.args[0][-1] == 499
    table.set_verdicts([verdict(t, 6) for t in range(500)], keep_pictures=True)
    assert table.frames.has_picture(0)
    table.set_verdicts([])
    assert not table.frames.has_picture(0)
