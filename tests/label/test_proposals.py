import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.errors import InputError
from napari_cellseg.label.edit import stroke
from napari_cellseg.label.journal import EditStep, Journal
from napari_cellseg.label.proposals import EditFile, Settling, prepare, proposal, written
from napari_cellseg.progress import follow

SHAPE = (5, 6, 7)
FRAMES = range(SHAPE[0])


def movie_of(seed):
    return np.random.default_rng(seed).integers(-1, 4, SHAPE, np.int32)


def pack(path, labels, frames=FRAMES):
    with written(path) as writer:
        for t in frames:
            writer.add(proposal(t, labels[t], "learned 1"))
    return path


def take(folder, journal, movie, found, wanted, number=1):
    proposed = pack(folder / f"learned {number}.edits", found)
    taken = follow(prepare(proposed, movie.__getitem__, wanted, folder / f"taken {number}.edits", "learned"))
    if taken.frames:
        journal.take(taken)
    return taken


def test_what_is_written_comes_back_and_a_half_written_file_is_none(tmp_path):
    found = movie_of(1)
    file = EditFile(pack(tmp_path / "p.edits", found, (3, 0)))
    assert file.frames == (3, 0)
    assert np.array_equal(file.edit(3).after, found[3])
    assert np.array_equal(file.edit(0).after, found[0])
    with pytest.raises(AttributeError), written(tmp_path / "q.edits") as writer:
        writer.add(None)
    assert {path.name for path in tmp_path.iterdir()} == {"p.edits"}


def test_a_file_without_frames_and_a_long_index_can_be_read(tmp_path):
    assert EditFile(pack(tmp_path / "none.edits", movie_of(1), ())).frames == ()
    with written(tmp_path / "long.edits") as writer:
        for t in range(12_000):
            writer.add(proposal(t, np.full((1, 1), t + 1, np.int32)))
    file = EditFile(tmp_path / "long.edits")
    assert len(file.frames) == 12_000
    assert file.edit(11_999).after.tolist() == [[12_000]]


def test_a_missing_or_altered_file_is_told_and_nothing_is_changed(tmp_path):
    movie, journal = movie_of(0), Journal(tmp_path / "journal.jsonl", SHAPE)
    taken = take(tmp_path, journal, movie, movie_of(1), FRAMES)
    before = movie.copy()
    whole = taken.path.read_bytes()
    for damage in (None, whole[:-20], whole.replace(b"learned", b"leerned")):
        taken.path.unlink()
        if damage is not None:
            taken.path.write_bytes(damage)
        with pytest.raises(InputError, match="cannot be used"):
            Journal(journal.path).replay(movie)
        assert np.array_equal(movie, before)
        taken.path.write_bytes(whole)
    Journal(journal.path).replay(movie)
    assert np.array_equal(movie, movie_of(1))


def test_fewer_frames_may_be_taken_without_a_look_at_the_whole_file(tmp_path, monkeypatch):
    movie, journal = movie_of(0), Journal(tmp_path / "journal.jsonl", SHAPE)
    taken = take(tmp_path, journal, movie, movie_of(1), FRAMES)
    monkeypatch.setattr(EditFile, "sha256", None)  # it would be called here, and fail
    fewer = taken.only({1, 3, 99})
    assert fewer.frames == {1, 3}
    fewer.put(movie)
    assert [np.array_equal(movie[t], movie_of(1)[t]) for t in FRAMES] == [False, True, False, True, False]


def test_the_study_may_be_moved(tmp_path):
    movie, here = movie_of(0), tmp_path / "here"
    here.mkdir()
    take(here, Journal(here / "journal.jsonl", SHAPE), movie, movie_of(1), {1, 2})
    here.rename(tmp_path / "there")
    Journal(tmp_path / "there" / "journal.jsonl").replay(movie)
    assert np.array_equal(movie[[1, 2]], movie_of(1)[[1, 2]])
    assert np.array_equal(movie[[0, 3, 4]], movie_of(0)[[0, 3, 4]])


class Desk:
    """What the window does with a journal, without a window; a frame is settled before it is looked at."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.movie = movie_of(seed)
        self.first = self.movie.copy()
        self.journal = Journal(folder / "journal.jsonl", SHAPE)
        self.settling = Settling(self.movie)
        self.accepted: set[int] = set()
        self.n_taken = 0

    @property
    def protected(self):
        return self.accepted | {edit.frame for edit in self.journal.edits()}

    def edit(self, t, seed):
        self.settling.now([t])
        after = np.random.default_rng(seed).integers(-1, 4, SHAPE[1:], np.int32)
        if not np.array_equal(after, self.movie[t]):
            made = stroke(self.movie[t], after, frame=t)
            self.journal.append(made)
            made.apply(self.movie)
            self.accepted.discard(t)

    def accept(self, t, _seed):
        self.settling.now([t])
        self.accepted.add(t)

    def take(self, _t, seed):
        """Take proposals; what was corrected by hand must stay, whatever happened before."""
        for t in FRAMES:
            self.settling.now([t])
        before, protected = self.movie.copy(), self.protected
        self.n_taken += 1
        wanted = set(FRAMES) - protected
        taken = take(self.folder, self.journal, self.movie, movie_of(seed), wanted, self.n_taken)
        assert not taken.frames & protected
        self.settling.ask(taken)
        self.settling.now([seed % SHAPE[0]])
        for t in protected:
            assert np.array_equal(self.movie[t], before[t])

    def undo(self, _t, _seed):
        self._history(self.journal.undo, back=True)

    def redo(self, _t, _seed):
        self._history(self.journal.redo, back=False)

    def _history(self, move, *, back):
        step = move(keep=self.accepted)
        if isinstance(step, EditStep):
            self.settling.now(step.frames)
            step.apply(self.movie)
            self.accepted -= step.frames
        elif step is not None:
            kept = {t: self.movie[t].copy() for t in self.accepted}
            self.settling.ask(step, back=back, keep=self.accepted)
            for t, labels in kept.items():
                assert np.array_equal(self.movie[t], labels)

    def crash(self, _t, _seed):
        """Lose what waits, and open the study again."""
        self.settling = Settling(self.movie)
        self.journal = Journal(self.journal.path, SHAPE)
        self.journal.replay(self.movie)


ACTIONS = st.tuples(
    st.sampled_from(["edit", "accept", "take", "undo", "redo", "crash"]),
    st.integers(0, SHAPE[0] - 1),
    st.integers(0, 50),
)


@settings(max_examples=60)
@given(st.integers(0, 5), st.lists(ACTIONS, max_size=14))
def test_what_was_corrected_by_hand_is_never_overwritten(tmp_path_factory, seed, actions):
    folder = tmp_path_factory.mktemp("study")
    desk = Desk(folder, seed)
    for name, t, number in actions:
        others = {frame: desk.movie[frame].copy() for frame in desk.protected - {t}}
        getattr(desk, name)(t, number)
        if name in ("take", "accept", "edit"):
            for frame, labels in others.items():
                assert np.array_equal(desk.movie[frame], labels)
    half_done = desk.movie.copy()
    follow(desk.settling.rest())
    for start in (desk.first, half_done, desk.movie.copy()):
        again = start.copy()
        Journal(desk.journal.path).replay(again)
        assert np.array_equal(again, desk.movie)
    for t in desk.protected:
        assert np.array_equal(desk.movie[t], half_done[t])
    shutil.rmtree(folder)


def test_all_are_taken_back_by_one_step(tmp_path):
    desk = Desk(tmp_path, 0)
    desk.edit(1, 3)
    by_hand = desk.movie.copy()
    desk.take(0, 9)
    follow(desk.settling.rest())
    assert [np.array_equal(desk.movie[t], by_hand[t]) for t in FRAMES] == [False, True, False, False, False]
    desk.undo(0, 0)
    follow(desk.settling.rest())
    assert np.array_equal(desk.movie, by_hand)
    desk.redo(0, 0)
    desk.accept(4, 0)
    desk.undo(0, 0)
    follow(desk.settling.rest())
    assert np.array_equal(desk.movie[4], movie_of(9)[4])  # accepted as proposed: it stays
    assert np.array_equal(desk.movie[:4], by_hand[:4])


def test_frames_that_are_looked_at_come_first_while_a_thread_does_the_rest(tmp_path):
    shape = (200, 6, 7)
    movie = np.zeros(shape, np.int32)
    found = np.broadcast_to(np.arange(1, 201, dtype=np.int32)[:, None, None], shape)
    journal = Journal(tmp_path / "journal.jsonl", shape)
    proposed = pack(tmp_path / "p.edits", found, range(200))
    taken = follow(prepare(proposed, movie.__getitem__, range(200), tmp_path / "t.edits"))
    journal.take(taken)
    settling = Settling(movie)
    settling.ask(taken)
    thread = threading.Thread(target=lambda: follow(settling.rest()))
    thread.start()
    for t in (199, 150, 100):
        settling.now([t])
        assert (movie[t] == t + 1).all()
    thread.join()
    assert settling.n_waiting == 0
    assert np.array_equal(movie, found)
    assert Path(tmp_path / "journal.jsonl").stat().st_size < 3000
