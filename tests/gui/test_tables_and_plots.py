import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QModelIndex, QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_cellseg.ui.calm import Calm
from napari_cellseg.ui.count_plot import AreaHistogram, CountPlot
from napari_cellseg.ui.curves import LearningCurves, PictureRows
from napari_cellseg.ui.frame_strip import FrameStrip
from napari_cellseg.ui.object_table import FrameModel, ObjectTable, as_text


@pytest.fixture
def objects():
    return pd.DataFrame({"frame": [0, 0, 1, 1], "label": [1, 2, 1, 2], "area_px": [30.0, 10.0, 20.0, np.nan]})


def shown(model):
    return [
        [model.data(model.index(r, c)) for c in range(model.columnCount())] for r in range(model.rowCount())
    ]


def test_table_sorts_finds_and_names_its_columns(qtbot, objects):
    model = FrameModel()
    model.set_table(objects, ("label", "area_px"), ("label", "area (px)"))
    assert shown(model) == [["1", "30"], ["2", "10"], ["1", "20"], ["2", ""]]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert [row[1] for row in shown(model)] == ["30", "20", "10", ""]
    assert model.row_of(frame=1, label=1) == 1
    assert model.row_of(frame=9, label=1) is None
    assert model.value(1, "frame") == 1
    model.set_table(objects.iloc[:2], ("label", "area_px"))
    assert [row[1] for row in shown(model)] == ["30", "10"]  # the order stays
    header = model.headerData(1, Qt.Orientation.Horizontal), model.headerData(1, Qt.Orientation.Horizontal, 3)
    assert header == ("area_px", "area_px")
    assert model.headerData(0, Qt.Orientation.Vertical) is None
    model.sort(7)
    assert model.rowCount() == 2


def test_a_hundred_thousand_rows_are_no_trouble(qtbot):
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"frame": 0, "label": np.arange(100_000), "area_px": rng.random(100_000)})
    model = FrameModel()
    model.set_table(many, ("label", "area_px"))
    model.sort(1)
    values = [model.value(row, "area_px") for row in range(0, 100_000, 1000)]
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (np.int64(7), "7"),
        (0.123456, "0.123"),
        (12.345, "12.3"),
        (123.45, "123.5"),
        (4321.9, "4322"),
        (np.float64("nan"), ""),
        (2.0, "2"),
        ("x", "x"),
        (-0.5, "-0.5"),
    ],
)
def test_digits_that_mean_something(value, text):
    assert as_text(value) == text


def test_only_the_persons_choice_of_a_row_is_told(qtbot, objects):
    table = ObjectTable()
    qtbot.addWidget(table)
    chosen = []
    table.object_chosen.connect(lambda frame, label: chosen.append((frame, label)))
    table.show_objects(objects, ("label", "area_px"))
    assert table.choose(1, 2)
    assert chosen == []
    assert not table.choose(5, 5)
    table.selectRow(0)
    assert chosen == [(0, 1)]
    assert table.model().rowCount(QModelIndex()) == 4


def test_the_same_objects_again_leave_what_is_selected(qtbot, objects):
    table = ObjectTable()
    qtbot.addWidget(table)
    table.show_objects(objects, ("label", "area_px"))
    table.selectRow(2)
    table.show_objects(objects.copy(), ("label", "area_px"))
    assert [index.row() for index in table.selectionModel().selectedRows()] == [2]
    table.show_objects(objects.assign(area_px=5.0), ("label", "area_px"))
    assert table.selectionModel().selectedRows() == []
    assert shown(table.objects)[3] == ["2", "5"]


def test_many_pieces_of_news_become_few(qtbot):
    owner = QWidget()
    qtbot.addWidget(owner)
    seen = []
    calm = Calm(seen.append, owner, every_ms=50)
    for i in range(200):
        calm.put(i)
    assert seen == []
    qtbot.waitUntil(lambda: seen == [199])
    calm.put(300)
    calm.forget()
    qtbot.wait(120)
    assert seen == [199]
    calm.put(500)
    calm.put(501)
    calm.flush()
    assert seen[-1] == 501


def test_plots_follow_clicks_and_the_theme(viewer, qtbot):
    holder = QWidget()
    plot, sizes, curves = (
        CountPlot(viewer, holder),
        AreaHistogram(viewer, holder),
        LearningCurves(viewer, holder),
    )
    holder.resize(360, 600)
    viewer.window.add_dock_widget(holder, area="right")
    plot.resize(340, 150)
    plot.show_counts([0, 1, 2, 3], [5, 6, 7, 8], [5.0, 6.5, 7.2, 8.8])
    plot.mark(2)
    sizes.show_areas([1, 4, 2], [0, 1, 2, 3], "µm²")
    curves.add(1, 1.0, 1.2, 0.3, True)
    curves.add(2, 0.7, 1.0, 0.5, False)
    assert curves.values() == ([1, 2], [1.0, 0.7], [1.2, 1.0], [0.3, 0.5])
    assert curves._best.value() == 1
    clicked = []
    plot.frame_clicked.connect(clicked.append)
    spot = plot.mapFromScene(plot.getViewBox().mapViewToScene(plot.getViewBox().viewRect().center()))
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.waitUntil(lambda: len(clicked) == 1)
    assert clicked[0] in (1, 2)
    dark = plot.backgroundBrush().color().name()
    viewer.theme = "light"
    assert plot.backgroundBrush().color().name() != dark
    curves.clear()
    assert curves.values() == ([], [], [], [])


def test_strip_tells_frames_and_pictures_are_shown(viewer, qtbot):
    holder = QWidget()
    strip, pictures = FrameStrip(viewer, holder), PictureRows(2, holder)
    viewer.window.add_dock_widget(holder, area="right")
    strip.resize(200, 26)
    states = dict.fromkeys(range(10), "auto") | {1: "accepted", 2: "in work", 3: "doubtful", 5: "rejected"}
    strip.show_states(states, {3: "dark"}, {3: 75.0})
    strip.mark(3)
    clicked = []
    strip.frame_clicked.connect(clicked.append)
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(70, 10))
    QTest.mouseMove(strip, QPoint(75, 12))
    assert clicked == [3]
    assert strip.frame_at(-5) == 0
    assert strip.frame_at(5000) == 9
    grabbed = strip.grab().toImage()
    assert grabbed.pixelColor(30, 2) != grabbed.pixelColor(150, 2)  # accepted is full height
    bright = [[grabbed.pixelColor(20 * t + 10, y).lightness() for y in range(26)] for t in range(10)]
    assert len({tuple(column) for column in (bright[t] for t in (0, 1, 2, 3, 5))}) == 5  # without colour too
    assert strip.told_of(3) == "frame 3: doubtful (dark), 1 min 15 s of work"
    assert strip.told_of(9) == "frame 9: as labelled automatically"

    grey, colour = np.full((40, 60), 99, np.uint8), np.zeros((40, 60, 3), np.uint8)
    pictures.show_pictures([(grey, colour, colour)])
    assert pictures._cells[0][0].pixmap().width() > pictures._cells[0][0].pixmap().height()
    assert not pictures._cells[1][0].isVisibleTo(pictures)
    pictures.show_pictures([])
    assert not pictures.isVisibleTo(holder)
