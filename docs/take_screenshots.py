"""Take the pictures of the user guide: the whole story of the panel, in a real napari window.

Run it with ``make screenshots``. It works on a copy of the sample study and writes to ``docs/images``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from benchmarks._hand import Hand
from docs._tool_sheet import paint_tools
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget
from scipy import ndimage as ndi

from napari_cellseg.data.sample_study import sample_positions
from napari_cellseg.ui.open import open_window

IMAGES = Path(__file__).with_name("images")
SIZE = (1366, 768)
PATIENCE_S = 300.0
_EDGE_PX = 50


class Story:
    """One walk through the panel, with a picture of every step."""

    def __init__(self, folder: Path, images: Path) -> None:
        self.folder, self.images = folder, images
        movie = Path(shutil.copy2(sample_positions()[0], folder))
        self.viewer, self.dock = open_window([movie])
        self.viewer.window.resize(*SIZE)
        self.session = self.dock.session
        self.hand = Hand(self.viewer)

    def wait(self, ready: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        """Wait with the window alive, or fail."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Waited {seconds:.0f} s in vain; the log says:\n" + "\n".join(self.session.log)
                )
            QApplication.processEvents()
            time.sleep(0.005)

    def rest(self, seconds: float = 0.6) -> None:
        """Let the window settle."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def picture(self, name: str) -> None:
        """Take a picture of the whole window."""
        self.rest()
        self.viewer.screenshot(str(self.images / f"{name}.png"), canvas_only=False, flash=False)

    def picture_of(self, dialog: QWidget, name: str) -> None:
        """Take a picture of a dialog alone."""
        self.rest()
        dialog.grab().save(str(self.images / f"{name}.png"))

    def use_tools(self) -> None:
        """Take a picture of some tools at work; what they do is taken back."""
        step = self.dock.step("Correct")
        buttons = step.desk.buttons.buttons
        self.session.go_to(0)
        labels = step.corrections.movie[0]
        inner = (slice(_EDGE_PX, -_EDGE_PX),) * 2  # what is drawn around a nucleus must be on the picture
        areas = np.bincount(labels[inner].ravel().clip(0))
        whole = np.bincount(labels.ravel().clip(0), minlength=len(areas))
        areas[0] = 0
        label = int(np.argmax(np.where(areas == whole[: len(areas)], areas, 0)))
        rows, columns = ndi.find_objects(labels.clip(0))[label - 1]
        top, bottom, left, right = rows.start, rows.stop, columns.start, columns.stop
        line = ((top - 3, (left + right) / 2), (bottom + 3, (left + right) / 2))
        lasso = (
            (top - 6, left - 6),
            (top - 6, right + 40),
            (bottom + 40, right + 40),
            (bottom + 40, left - 6),
        )
        side = float(step.corrections.layer.scale[-1])  # the hand moves in the viewer's unit
        for tool, points in (("cut", line), ("delete", (*lasso, lasso[0]))):
            drawn = [(side * y, side * x) for y, x in points]
            QTest.mouseClick(buttons[tool], Qt.MouseButton.LeftButton)
            self.hand.grab(*drawn)
            self.picture(f"tool-{tool}")
            self.hand.let_go(*drawn[-1])
            self.rest()
            self.picture(f"tool-{tool}-done")
            self.hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
            self.hand.key(Qt.Key.Key_Escape)
        paint_tools(step, self.hand, label, self.rest, self.images / "tools.png")
        self.viewer.reset_view()
        step.show_keys()
        self.picture_of(step._sheet, "keys")
        step._sheet.close()

    def correct_on(self) -> None:
        """Take pictures of what to correct next, and of learning from what was corrected."""
        step = self.dock.step("Correct")
        helpers = step.helpers
        helpers.next.find.click()
        self.wait(lambda: helpers.next.found is not None)
        helpers.suspects.section.expand(animate=False)
        self.wait(lambda: helpers.suspects._here is not None)
        self.rest()
        self.show_in_panel(helpers.suspects)
        self.picture("correct-next")
        for _ in range(3):
            step.accept()
        learn = step.learn
        learn.options.set_value(learn.options.value().model_copy(update={"minutes": 0.75}))
        learn.learn.click()
        self.wait(lambda: learn.proposing.found is not None)
        self.rest()
        self.show_in_panel(learn)
        self.picture("correct-learn")
        learn.proposing.withdraw()
        self.rest()

    def show_in_panel(self, widget: QWidget) -> None:
        """Scroll the panel until a part of it is seen."""
        area = widget.parentWidget()
        while not isinstance(area, QScrollArea):
            area = area.parentWidget()
        area.ensureWidgetVisible(widget, 0, 0)

    def ask_experts(self) -> None:
        """Take pictures of an expert review: prepared, judged, reported."""
        _, dock = self.viewer.window.add_plugin_dock_widget("napari-cellseg", "Expert review")
        panel, judge, report = dock.prepare, dock.judge, dock.report
        self.rest(1)
        for row in panel._rows():
            row.setCheckState(Qt.CheckState.Checked if "model" in row.text() else Qt.CheckState.Unchecked)
        panel.n_items.setValue(4)
        self.picture("review-prepare")
        panel.primary.click()
        self.wait(lambda: "ready to be judged" in panel.message.text and panel.progress.task is None)
        dock.tabs.setCurrentIndex(1)
        judge.expert.setText("Ada")
        judge.primary.click()
        self.wait(lambda: judge.sheet is not None)
        for number in range(1, len(judge.sheet.plan.items) + 1):
            self.wait(lambda number=number: judge._shown == judge.number == number)
            self.rest()
            height, width = judge.scene.image.extent.world[1][-2:]
            for part in (0.3, 0.6):
                self.hand.click(part * height, part * width)
            if number == 2:
                self.picture("review-judge")
            judge.next.click()
        self.wait(lambda: judge.sheet is None)
        dock.tabs.setCurrentIndex(2)
        self.rest()
        report.primary.click()
        self.wait(lambda: report.result is not None)
        self.picture("review-report")
        dock.close()

    def choose_a_model(self) -> None:
        """Take pictures of choosing a model by picture, and of comparing models on corrected frames."""
        for _ in range(4):
            self.dock.step("Correct").accept()
        menu = self.dock.step("Count").menu
        menu.by_picture.trigger()
        chooser = self.dock.step("Count").model._chooser
        self.wait(lambda: not chooser.is_reading)
        self.picture_of(chooser, "chooser")
        chooser.reject()
        menu.compare.trigger()
        comparison = menu._comparison
        self.wait(lambda: not comparison.models.is_reading)
        comparison.models.tick("nuclei-fluorescence", "nuclei-brightfield")
        comparison.go.click()
        self.wait(lambda: comparison.result is not None)
        self.picture_of(comparison, "comparison")
        comparison.reject()

    def count_many(self) -> None:
        """Take a picture of many files being counted."""
        step = self.dock.step("Count")
        step.many_files.expand(animate=False)
        plate = self.folder / "plate"
        plate.mkdir()
        for position in sample_positions():
            shutil.copy2(position, plate)
        step.many.choice.inputs.setText(str(plate))
        step.many.count_all()
        self.wait(lambda: not step.many._results.isHidden())
        self.rest()
        self.show_in_panel(step.many._results)
        self.picture("many-files")
        step.many_files.collapse(animate=False)

    def tell(self, minutes: float) -> None:
        """Walk from data to counts."""
        step = self.dock.step
        self.wait(lambda: self.dock.is_ready and self.session.stack is not None)
        self.rest()
        self.viewer.reset_view()
        self.session.go_to(5)
        self.picture("data")

        self.dock.open_named("Labels")
        self.wait(lambda: any(layer.name == "nuclei (preview)" for layer in self.viewer.layers))
        self.picture("labels-preview")
        step("Labels").primary.click()
        self.wait(lambda: step("Labels").summary[0] == "done")
        self.picture("labels")

        self.dock.open_named("Correct")
        step("Correct").primary.click()
        self.wait(lambda: self.session.corrected_layer is not None)
        self.rest()
        self.hand.key(Qt.Key.Key_N)
        self.picture("correct")
        self.use_tools()
        self.correct_on()

        self.dock.open_named("Train")
        train = step("Train")
        train.config.set_value(train.config.value().model_copy(update={"minutes": minutes}))
        train.primary.click()
        self.wait(lambda: "epoch" in train.summary[1])  # torch is there
        end = time.monotonic() + 60 * minutes * 0.5
        self.wait(lambda: time.monotonic() > end)
        self.picture("train")
        self.wait(lambda: train.summary[0] != "running")
        self.picture("train-done")

        self.dock.open_named("Count")
        self.rest(2)
        step("Count").primary.click()
        self.wait(lambda: self.session.cells is not None)
        self.picture("count")
        self.count_many()
        self.choose_a_model()
        self.ask_experts()
        self.viewer.theme = "light"
        self.picture("count-light")
        self.viewer.close()


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="Training time.")
    parser.add_argument("--output", type=Path, default=IMAGES)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), options.output)
        story.tell(options.minutes)
        napari.Viewer.close_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
