import pytest

from napari_cellseg.label.notes import Right, open_notes


def test_notes_come_back_and_add_up(tmp_path):
    path = tmp_path / "review.jsonl"
    notes = open_notes(path)
    right = Right(3, 7, 100.0, 20.0, 30.0)
    for note in (
        notes.spent(3, 12.3),
        notes.spent(3, 2.0),
        notes.found_right(right),
        notes.rejected(5, "out of focus"),
        notes.begun(True),
    ):
        notes.write(note)
    again = open_notes(path)
    assert again == notes
    assert again.seconds == {3: pytest.approx(14.3)}
    assert again.right == {(3, 7): right}
    assert again.reasons == {5: "out of focus"}
    assert again.predicted


def test_a_line_that_a_crash_tore_costs_that_line_only(tmp_path):
    path = tmp_path / "review.jsonl"
    notes = open_notes(path)
    notes.write(notes.spent(0, 5))
    path.write_bytes(path.read_bytes() + b'0badc0de {"kind":"ti')
    notes = open_notes(path)
    notes.write(notes.spent(1, 6))
    assert open_notes(path).seconds == {0: 5, 1: 6}


def test_an_object_that_changed_is_looked_at_again():
    right = Right(0, 1, 400.0, 50.0, 50.0)
    assert right.is_still(400, 50, 50)
    assert right.is_still(380, 52, 50)
    assert not right.is_still(300, 50, 50)
    assert not right.is_still(400, 50, 60)
