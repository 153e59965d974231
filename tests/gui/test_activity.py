import pytest
from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar
from qtpy.QtWidgets import QApplication

from napari_cellseg.progress import Progress
from napari_cellseg.ui.activity import Activity


@pytest.fixture
def activity(viewer):
    activity = Activity("Counting")
    yield activity
    activity.close()
    activity.show(Progress(1, 2, "frames"))  # late news does no harm


def bar_of(viewer, until):
    def bars():
        dialog = viewer.window._qt_window._activity_dialog
        return [bar for bar in dialog.findChildren(QtLabeledProgressBar) if not bar.isHidden()]

    until(bars)
    return bars()[0]


@pytest.mark.parametrize(("done", "total"), [(0, 20), (1, 20_000), (7, 20), (20, 20), (19_999, 20_000)])
def test_the_bar_shows_how_much_is_done(viewer, activity, until, done, total):
    bar = bar_of(viewer, until)
    activity.show(Progress(done, total, "frames predicted"))
    until(lambda: bar.eta_label.text() == f"{done:,} of {total:,} frames predicted")
    shown = bar.qt_progress_bar
    assert shown.value() / shown.maximum() == pytest.approx(done / total, abs=1e-3)


def test_news_does_not_make_the_window_do_all_that_waits(viewer, activity, until, monkeypatch):
    bar = bar_of(viewer, until)
    activity.show(Progress(1, 20, "frames"))
    until(lambda: bar.eta_label.text().startswith("1 of"))
    calls = []
    monkeypatch.setattr(QApplication, "processEvents", lambda *_args: calls.append(_args))
    activity._show(Progress(5, 20, "frames"))
    monkeypatch.undo()
    assert calls == []
    assert bar.qt_progress_bar.value() / bar.qt_progress_bar.maximum() == pytest.approx(0.25, abs=1e-3)
