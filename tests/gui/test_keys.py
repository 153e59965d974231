"""Keys: none is taken twice, the person's own are kept, and refused where they would take another's place."""

import json

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_cellseg.errors import SettingsError
from napari_cellseg.ui.cheat_sheet import CheatSheet
from napari_cellseg.ui.key_conflicts import conflict, conflicts, menu_keys, napari_keys, same
from napari_cellseg.ui.key_dialog import KeyDialog
from napari_cellseg.ui.key_file import key_file, load_keys, own_keys, save_keys
from napari_cellseg.ui.keys import KEYS, LEFT_HANDED, SHADOWED, KeySet, bind_keys, key_of, shown

RIGHT_SIDE = {*"UIOPHJKLNM.", "Backspace"}


@pytest.fixture
def taken(viewer):
    viewer.add_labels(np.zeros((8, 8), np.int32))
    return {**menu_keys(viewer.window._qt_window), **napari_keys(viewer)}


@pytest.fixture
def dialog(viewer, qtbot):
    viewer.add_labels(np.zeros((8, 8), np.int32))
    dialog = KeyDialog(viewer, KeySet(), viewer.window._qt_window)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def press(dialog, name, key, modifier=Qt.KeyboardModifier.NoModifier):
    dialog.choose(name)
    QTest.keyClick(dialog.field, key, modifier)
    return dialog.told.text()


def test_what_napari_binds_is_found_out_from_napari_itself(taken):
    assert taken["B"] == "Toggle preserve labels"
    assert {"1", "E", "2", "P", "3", "4", "5", "L", "6", "Z", "7", "-", "=", "[", "]"} <= set(taken)
    assert set(taken) >= SHADOWED
    assert "Space" in taken
    assert "Ctrl+O" in taken  # of the menu


@pytest.mark.parametrize("keys", [KeySet(), KeySet(LEFT_HANDED)], ids=["usual", "left-handed"])
def test_no_key_of_a_set_is_taken(keys, taken):
    assert conflicts(keys, taken) == []
    ours = [same(key) for name in KEYS for key in keys.of(name.name)]
    assert len(ours) == len(set(ours))


def test_the_left_handed_set_lies_on_the_right_side_and_leaves_nothing_out(taken):
    keys = KeySet(LEFT_HANDED)
    for key in KEYS:
        if key.name == "leave":
            continue
        within = [k for k in keys.shown(key.name).split(", ") if k.split("-")[-1] in RIGHT_SIDE]
        assert within, key.name


def test_conflicts_are_told_in_a_sentence(taken):
    keys = KeySet()
    assert conflict("smooth", "M", keys, taken) == (
        "M is taken by “Merge”. Choose another key, or change that one first."
    )
    assert conflict("smooth", "Shift+G", keys, taken).startswith("Shift-G is taken by “Shrink”")
    assert "napari's own: “Toggle preserve labels”" in conflict("smooth", "B", keys, taken)
    assert "napari's own" in conflict("smooth", "Ctrl+O", keys, taken)
    assert "always has the same meaning" in conflict("smooth", "Escape", keys, taken)
    assert conflict("smooth", "J", keys, taken) == ""
    assert conflict("paint", "P", keys, taken) == ""  # that is what napari does with it
    moved = keys.with_key("merge", "J")
    assert conflict("smooth", "M", moved, taken) == ""  # napari's "new label" was shadowed anyway


def test_own_keys_are_kept_and_only_what_differs(tmp_path):
    assert load_keys() == KeySet()
    keys = KeySet().with_key("delete", "D").with_key("merge", "J").with_key("merge", "M")
    assert keys.changed == {"delete": ("D",)}
    save_keys(keys)
    assert json.loads(key_file().read_text()) == {"version": 1, "keys": {"delete": ["D"]}}
    assert load_keys() == keys
    assert load_keys().of("merge") == ("M",)
    assert shown("Ctrl+Shift+Z") == shown("Control-Shift-Z") == "Ctrl-Shift-Z"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": 3}', '{"keys": {"delete": "X"}}', "\x00"])
def test_a_damaged_file_is_told_and_the_usual_keys_hold(text):
    key_file().parent.mkdir(parents=True, exist_ok=True)
    key_file().write_text(text)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_keys()
    told = []
    assert own_keys(told.append) == KeySet()
    assert len(told) == 1


def test_unknown_actions_in_the_file_are_left_out():
    save_keys(KeySet({"delete": ("D",)}))
    told = json.loads(key_file().read_text())
    told["keys"] |= {"of a later version": ["Q"], "leave": ["Q"]}
    key_file().write_text(json.dumps(told))
    assert load_keys() == KeySet({"delete": ("D",)})


def test_the_dialog_takes_a_free_key_and_refuses_others(dialog):
    heard = []
    dialog.keys_changed.connect(heard.append)
    assert "taken by “Merge”" in press(dialog, "delete", Qt.Key.Key_M)
    assert "napari's own" in press(dialog, "delete", Qt.Key.Key_B)
    assert heard == []
    assert press(dialog, "delete", Qt.Key.Key_D) == "D is now “Delete”."
    assert press(dialog, "shrink", Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier).startswith("Shift-D is")
    assert heard[-1].of("delete") == ("D",)
    assert load_keys().of("shrink") == ("Shift+D",)
    row = dialog._names.index("shrink")
    assert dialog.table.item(row, 1).text() == "Shift-D"
    QTest.keyClick(dialog.field, Qt.Key.Key_Shift)  # alone it is no key
    assert load_keys().of("shrink") == ("Shift+D",)


def test_sets_are_taken_as_a_whole(dialog):
    dialog.left_handed.click()
    assert load_keys().of("delete") == LEFT_HANDED["delete"]
    assert dialog.told.text() == "The left-handed set is in use."
    dialog.defaults.click()
    assert load_keys() == KeySet()


def test_the_sheet_lists_every_action_and_follows_changes(viewer, qtbot):
    sheet = CheatSheet(viewer, KeySet(), viewer.window._qt_window)
    qtbot.addWidget(sheet)
    sheet.show()

    def text():
        labels = sheet._groups.findChildren(type(sheet.told))
        return " ".join(label.text().replace("<br>", " ") for label in labels)

    for key in KEYS:
        assert key.text.split(";")[0] in text()
    sheet.change.click()
    press(sheet._dialog, "delete", Qt.Key.Key_D)
    assert "<b>D</b>" in text()
    assert sheet.width() < 1000  # on a screen of 1366 x 768, beside the panel
    assert sheet.height() < 700


def test_keys_go_onto_one_layer_only():
    one, other = Labels(np.zeros((4, 4), int)), Labels(np.zeros((4, 4), int))
    done = []
    bind_keys(one, {"delete": lambda: done.append("delete")}, KeySet({"delete": ("Q",)}))
    keymap = {str(key): function for key, function in one.keymap.items()}
    assert set(keymap) == {"Q"}
    keymap["Q"](one)
    assert done == ["delete"]
    assert not other.keymap
    assert key_of("delete").keys == ("X", "Delete")
