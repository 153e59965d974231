"""What holds for every tool of correcting, whatever it is used on."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from napari_cellseg.errors import InputError
from napari_cellseg.label import edit as tools

SIDE = 48
BACKGROUND, IGNORED = 0, -1


class Play:
    """A frame with a picture, and one random use of each tool on it.

    Each tool answers with the edit, with the labels whose pixels it may change beside background, and with
    those it may write; None stands for a number that was never there.
    """

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.labels = np.zeros((SIDE, SIDE), np.int32)
        for number in self.rng.choice(np.arange(1, 30), 7, replace=False):
            y, x = self.rng.integers(0, SIDE - 6, 2)
            down, across = self.rng.integers(3, 14, 2)
            self.labels[y : y + down, x : x + across] = number
        self.labels[:5, 30:40] = IGNORED
        truth = (self.labels > 0).astype(np.float32)
        self.probability = ndi.gaussian_filter(truth, 1.5)
        sign = self.rng.choice([-1, 1])
        self.image = sign * 100 * self.probability + self.rng.normal(0, 5, truth.shape)

    def number(self):
        there = np.unique(self.labels[self.labels > 0])
        return int(self.rng.choice(there)) if there.size else 1

    def point(self):
        return self.rng.uniform(-1, SIDE, 2)

    def outline(self):
        turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        radius = self.rng.uniform(2, 16, (12, 1))
        return self.point() + radius * np.stack([np.sin(turn), np.cos(turn)], axis=1)

    def protect(self):
        return bool(self.rng.integers(2))

    def delete_many(self):
        gone = tools.objects_within(self.labels, self.outline()) or [self.number()]
        return tools.delete_many(self.labels, gone), gone, {BACKGROUND}

    def merge_many(self):
        met = tools.objects_along(self.labels, np.stack([self.point(), self.point(), self.point()]))
        return tools.merge_many(self.labels, met), met[1:], set(met[:1])

    def split_at(self):
        label = self.number()
        places = np.argwhere(self.labels == label)
        a, b = places[self.rng.integers(0, len(places), 2)] if len(places) else ((0, 0), (0, 1))
        guide = [None, self.probability][self.rng.integers(2)]
        return tools.split_at(self.labels, a, b, guide), [label], {None}

    def snap(self):
        label = self.number()
        return tools.snap(self.labels, label, self.image), [label], {label, BACKGROUND}

    def smooth(self):
        label = self.number()
        return tools.smooth(self.labels, label), [label], {label, BACKGROUND}

    def grow(self):
        label = self.number()
        by_px = float(self.rng.uniform(-3, 4))
        return tools.grow(self.labels, label, by_px), [label], {label, BACKGROUND}

    def new_at(self):
        guess = [None, self.probability][self.rng.integers(2)]
        edit = tools.new_at(self.labels, self.point(), self.image, guess, diameter_px=8)
        return edit, [IGNORED], {None}

    def new_polygon(self):
        outline, protect = self.outline(), self.protect()
        edit = tools.new_polygon(self.labels, outline, protect)
        return edit, [IGNORED] if protect else self.all(), {None}

    def ignore(self):
        outline, protect = self.outline(), self.protect()
        return tools.ignore(self.labels, outline, protect), [] if protect else self.all(), {IGNORED}

    def unignore(self):
        return tools.unignore(self.labels, self.outline()), [IGNORED], {BACKGROUND}

    def remove_small(self):
        limit = int(self.rng.integers(1, 120))
        numbers, areas = np.unique(self.labels, return_counts=True)
        return tools.remove_small(self.labels, limit), numbers[areas < limit], {BACKGROUND}

    def remove_at_border(self):
        edges = np.concatenate([self.labels[[0, -1]].ravel(), self.labels[:, [0, -1]].ravel()])
        return tools.remove_at_border(self.labels), edges, {BACKGROUND}

    def copied(self):
        label, protect = self.number(), self.protect()
        shift = tuple(self.rng.uniform(-20, 20, 2))
        edit = tools.copied(self.labels, label, self.labels, shift, 0, protect)
        return edit, [IGNORED] if protect else self.all(), {None}

    def all(self):
        return [IGNORED, *np.unique(self.labels[self.labels > 0])]


KINDS = [name for name in vars(Play) if name in tools.__all__]


def test_every_tool_is_tried():
    others = {
        "Edit",
        "next_label",
        "displacement",
        "objects_within",
        "objects_along",
        "followed",
        "through_time",
    }
    others |= {"delete", "merge", "split", "stroke", "fill_holes", "new_object"}  # in test_edit.py
    assert set(tools.__all__) == set(KINDS) | others | {"relabel"}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=80)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_edit_is_undone_by_its_inverse_and_leaves_others_alone(kind, seed):
    play = Play(seed)
    start, highest = play.labels.copy(), int(play.labels.max())
    try:
        edit, may_change, may_write = getattr(play, kind)()
    except InputError:
        np.testing.assert_array_equal(play.labels, start)
        return
    np.testing.assert_array_equal(play.labels, start)  # a tool only answers
    edit.apply(play.labels)
    changed = play.labels != start
    assert changed.any()
    assert edit.tool == kind
    assert set(np.unique(start[changed])) <= {BACKGROUND, *(int(n) for n in may_change)}
    written = {int(n) for n in np.unique(play.labels[changed])}
    new = {n for n in written if n > highest}
    assert written - new <= may_write
    assert len(new) == (None in may_write)  # a new number is one that no object has or had here
    edit.inverse().apply(play.labels)
    np.testing.assert_array_equal(play.labels, start)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_many_edits_are_undone_in_reverse_order(seed):
    play = Play(seed)
    start, done = play.labels.copy(), []
    for _ in range(12):
        use = [*(partial(getattr(play, kind)) for kind in KINDS), lambda: (tools.relabel(play.labels),)]
        try:
            edit = use[play.rng.integers(len(use))]()[0]
        except InputError:
            continue
        edit.apply(play.labels)
        done.append((edit, play.labels.copy()))
    for edit, after in reversed(done):
        np.testing.assert_array_equal(play.labels, after)
        edit.inverse().apply(play.labels)
    np.testing.assert_array_equal(play.labels, start)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_relabelling_closes_all_gaps_and_moves_no_border(seed):
    play = Play(seed)
    after = play.labels.copy()
    try:
        tools.relabel(after).apply(after)
    except InputError:
        numbers = np.unique(after[after > 0])
        assert numbers.tolist() == list(range(1, len(numbers) + 1))
        return
    pairs = {(int(a), int(b)) for a, b in zip(play.labels.ravel(), after.ravel(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    found = list(dict.fromkeys(after[after > 0].tolist()))
    assert found == list(range(1, len(found) + 1))
    np.testing.assert_array_equal(after == IGNORED, play.labels == IGNORED)
    with pytest.raises(InputError, match="without gaps already"):
        tools.relabel(after)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_labels_of_other_types_are_welcome(dtype):
    play = Play(3)
    labels = np.maximum(play.labels, 0).astype(dtype)
    start, number = labels.copy(), int(labels.max())
    for make in (
        lambda: tools.delete_many(labels, [number]),
        lambda: tools.grow(labels, number, 2),
        lambda: tools.relabel(labels),
        lambda: tools.remove_small(labels, 10_000),
        lambda: tools.new_polygon(labels, [[0, 0], [0, 40], [40, 40], [40, 0]]),
    ):
        edit = make()
        edit_on = labels.astype(np.int32)
        edit.apply(edit_on)
        edit.inverse().apply(edit_on)
        np.testing.assert_array_equal(edit_on, start)
