"""Learning from corrections on a movie drawn by hand, with a network that takes seconds."""

import os
import shutil
import signal

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.draw import disk

from napari_cellseg.config import LearnConfig, NetConfig, TrainConfig
from napari_cellseg.data.project import Study, new_label_movie, open_label_movie
from napari_cellseg.data.read import open_stack
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.write import write_labels
from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.learning import LOG_FILE, LearningLog, read_log, write_log
from napari_cellseg.label.edit import delete
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.proposals import EditFile
from napari_cellseg.label.triage import FrameScores, Verdict, save_verdicts
from napari_cellseg.learn.card import model_hash, read_card
from napari_cellseg.learn.events import EpochDone, FrameCompared
from napari_cellseg.learn.shelf import list_bin
from napari_cellseg.learn.train import train
from napari_cellseg.live.learning import LearnJob, learn_now, tidied
from napari_cellseg.pipeline import learn_study, training_samples
from napari_cellseg.pipeline.learning import learn, propose
from napari_cellseg.pipeline.lesson import FrameProposed, Lesson, plan
from napari_cellseg.pipeline.series import bin_older, next_name
from napari_cellseg.process import Helper, HelperError
from napari_cellseg.progress import Cancelled, follow

N = 8
PLACES = [(y, x) for y in range(14, 96, 28) for x in range(14, 96, 28)]
TINY = NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16))
QUICK = TrainConfig(max_epochs=2, patch_px=64, batch_size=4, device="cpu", learning_rate=5e-3)
SHORT = LearnConfig(minutes=1, device="cpu")


@pytest.fixture(scope="module")
def truth():
    movie = np.zeros((N, 96, 96), np.int32)
    for t in range(N):
        for label, (y, x) in enumerate(PLACES, start=1):
            movie[t][disk((y + t % 3, x), 7, shape=movie.shape[1:])] = label
    return movie


@pytest.fixture(scope="module")
def pixels(truth):
    light = ndi.gaussian_filter((truth > 0).astype(float), (0, 1, 1))
    noise = np.random.default_rng(0).normal(0, 40, truth.shape)
    return (200 + 800 * light + noise).clip(0).astype(np.uint16)


@pytest.fixture(scope="module")
def stack(pixels):
    return Stack(da.from_array(pixels[:, None, None], chunks=(1, 1, 1, 96, 96)), ("Phase",), "pos1")


@pytest.fixture(scope="module")
def base(stack, truth, tmp_path_factory):
    """A model that knows these disks."""
    samples = training_samples(stack, 0, truth, [0, 1, 2])
    config = QUICK.model_copy(update={"max_epochs": 4})
    return follow(train(samples, config, TINY, tmp_path_factory.mktemp("models") / "base"))


def lesson_of(folder, base, **told):
    values = {
        "models": folder / "models",
        "log": folder / LOG_FILE,
        "proposals": folder / "proposals",
        "bases": (base,),
        "image": 0,
        "stained": None,
        "learn": (0, 1),
        "exam": (4,),
        "reserved": (4,),
        "wanted": (3, 2, 5),
        "config": SHORT,
        "train": QUICK,
        **told,
    }
    return Lesson(**values)


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_lesson_makes_a_scored_model_and_proposals(stack, truth, base, tmp_path, always_kept):
    told = []
    learned = follow(learn(stack, truth, np.zeros_like(truth), lesson_of(tmp_path, base)), told.append)
    assert learned.model == tmp_path / "models" / "learned 1"
    card = read_card(learned.model)
    assert card.parent == model_hash(read_card(base))
    point = learned.point
    assert read_log(tmp_path / LOG_FILE) == LearningLog(exam=(4,), points=(point,))
    assert (point.model, point.before, point.exam, point.flatters) == ("learned 1", "base", (4,), False)
    scored = {event.model for event in told if isinstance(event, FrameCompared)}
    assert scored == {base, learned.model}
    proposed = [event for event in told if isinstance(event, FrameProposed)]
    assert tuple(proposed) == learned.proposals.frames
    assert [event.t for event in proposed] == [3, 2, 5]
    file = EditFile(learned.proposals.file)
    for event in proposed:
        assert len(np.unique(file.edit(event.t).after)) - 1 == event.n_after
        assert event.n_before == 0
        assert event.changed == (event.n_after > 0)
    assert learned.current == learned.model
    assert not list(tmp_path.rglob("*partial*"))


def test_a_worse_model_is_kept_but_not_used(stack, truth, base, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_cellseg.evaluate.learning.WORSE_BY", -2.0)
    learned = follow(learn(stack, truth, truth, lesson_of(tmp_path, base, exam=(), reserved=())))
    assert learned.current == base
    assert learned.model.is_dir()
    assert learned.proposals.file is None
    log = read_log(tmp_path / LOG_FILE)
    assert log.current == "base"
    assert log.points[0].flatters


def test_a_stop_while_learning_keeps_the_best_and_proposes_nothing(stack, truth, base, tmp_path):
    told = []
    long = lesson_of(tmp_path, base, train=QUICK.model_copy(update={"max_epochs": 500}))
    stop = lambda: any(isinstance(event, EpochDone) for event in told)  # noqa: E731
    learned = follow(learn(stack, truth, truth, long), told.append, stop)
    assert learned.stopped
    assert learned.proposals.file is None
    assert read_card(learned.model).epochs < 500
    assert len(read_log(tmp_path / LOG_FILE).points) == 1


def test_a_stop_before_the_first_epoch_leaves_everything_as_it_was(stack, truth, base, tmp_path):
    (tmp_path / "models").mkdir()
    write_log(tmp_path / LOG_FILE, LearningLog(exam=(4,)))
    before = files_in(tmp_path)
    with pytest.raises(Cancelled):
        follow(learn(stack, truth, truth, lesson_of(tmp_path, base)), None, lambda: True)
    assert files_in(tmp_path) == before
    assert next_name(tmp_path / "models") == "learned 1"


def test_a_stop_while_scoring_still_scores(stack, truth, base, tmp_path):
    told = []
    stop = lambda: any(isinstance(event, FrameCompared) for event in told)  # noqa: E731
    learned = follow(learn(stack, truth, truth, lesson_of(tmp_path, base)), told.append, stop)
    assert learned.stopped
    assert sum(isinstance(event, FrameCompared) for event in told) == 2
    assert read_log(tmp_path / LOG_FILE).points == (learned.point,)


def test_a_stop_while_proposing_keeps_the_frames_done(stack, truth, base, tmp_path):
    told = []
    stop = lambda: any(isinstance(event, FrameProposed) for event in told)  # noqa: E731
    found = follow(propose(stack, truth, base, lesson_of(tmp_path, base)), told.append, stop)
    assert [event.t for event in found.frames] == [3]
    assert EditFile(found.file).frames == (3,)
    none = follow(propose(stack, truth, base, lesson_of(tmp_path, base, wanted=())))
    assert none.file is None
    few = lesson_of(tmp_path, base, config=SHORT.model_copy(update={"propose": 2}))
    assert EditFile(follow(propose(stack, truth, base, few)).file).frames == (3, 2)


def test_of_several_models_the_one_that_does_best_is_taken(stack, truth, base, tmp_path):
    shifted = training_samples(stack, 0, np.roll(truth, 5, 2), [0, 1, 2])
    config = QUICK.model_copy(update={"max_epochs": 4})
    poor = follow(train(shifted, config, TINY, tmp_path / "poor"))
    lesson = lesson_of(tmp_path, base, bases=(poor, base), wanted=())
    learned = follow(learn(stack, truth, truth, lesson))
    assert learned.point.before == "base"


def test_without_frames_or_models_it_is_said(stack, truth, base, tmp_path):
    with pytest.raises(InputError, match="No frame was accepted"):
        follow(learn(stack, truth, truth, lesson_of(tmp_path, base, learn=())))
    with pytest.raises(InputError, match="no model"):
        follow(learn(stack, truth, truth, lesson_of(tmp_path, base, bases=())))


def test_accepted_frames_are_learned_from_as_checked_ones(stack, truth, base, tmp_path, monkeypatch):
    learned = []

    def train(samples, *_, **_told):
        learned.extend(samples)
        raise InputError("Enough", "", "")
        yield

    monkeypatch.setattr("napari_cellseg.learn.train.train", train)
    lesson = lesson_of(tmp_path, base, accepted=frozenset({0, 4}))
    with pytest.raises(InputError, match="Enough"):
        follow(learn(stack, dict(enumerate(truth)), truth, lesson))
    assert {sample.name.split()[-1]: sample.checked for sample in learned} == {"0": True, "1": False}


def test_which_frames_are_learned_scored_and_wanted():
    chosen = plan(LearningLog(), {2, 4, 6}, {7}, {0, 1, 3, 5, 7, 8}, 4)
    assert chosen == {"learn": (2, 6, 7), "exam": (4,), "reserved": (4,), "wanted": (3, 5, 1, 0, 8)}
    reopened = plan(LearningLog(exam=(4,)), {2}, {4}, {0}, 0)
    assert reopened == {"learn": (2,), "exam": (), "reserved": (4,), "wanted": (0,)}


def test_older_models_of_the_series_go_to_the_bin(tmp_path, fake_model):
    for number in range(1, 7):
        fake_model(tmp_path / f"learned {number}")
    fake_model(tmp_path / "mine")
    assert bin_older(tmp_path, {"learned 2", "mine"}) == ("learned 1", "learned 3")
    left = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert left == {"learned 2", "learned 4", "learned 5", "learned 6", "mine"}
    assert {one.name for one in list_bin((tmp_path,))} == {"learned 1", "learned 3"}
    shutil.rmtree(tmp_path / "learned 6")
    assert next_name(tmp_path) == "learned 6"
    shutil.rmtree(tmp_path / "learned 5")
    shutil.rmtree(tmp_path / "learned 4")
    assert next_name(tmp_path) == "learned 4"  # 3 is in the bin


@pytest.fixture
def study(pixels, truth, tmp_path):
    """A study in which frames 0, 1 and 3 are accepted, 2 is corrected, and a person rejected 6."""
    write_labels(tmp_path / "pos1.tif", pixels)
    study = Study.create(tmp_path / "study")
    image = open_stack(tmp_path / "pos1.tif")
    study.remember_stack(image, image_channel=image.channels[0])
    movie = new_label_movie(study.labels_corrected, truth.shape)
    movie[:] = truth
    movie[4:] = 0
    journal = Journal(study.journal, truth.shape)
    for t in (0, 1, 3):
        journal.mark(t, "accepted")
    edit = delete(movie[2], 5, frame=2)
    journal.append(edit)
    edit.apply(movie)
    scores = FrameScores(0, 100, 0, 1000, 8, 1.0, 100.0)
    save_verdicts(study.verdicts, tuple(Verdict(t, t < 6, "", scores, "person") for t in range(7)))
    return study


@pytest.fixture
def always_kept(monkeypatch):
    """Two epochs of a tiny network may as well make it worse."""
    monkeypatch.setattr("napari_cellseg.evaluate.learning.WORSE_BY", 2.0)


def test_a_study_learns_and_only_open_frames_change(study, base, always_kept):
    before = np.array(open_label_movie(study.labels_corrected, "r"))
    done = follow(learn_study(study, (base,), SHORT, train=QUICK))
    assert set(done.taken) <= {4, 5, 7}
    assert done.taken
    after = np.array(open_label_movie(study.labels_corrected, "r"))
    for t in range(N):
        assert np.array_equal(after[t], before[t]) == (t not in done.taken)
    again = before.copy()
    journal = Journal(study.journal)
    journal.replay(again)
    assert np.array_equal(again, after)
    step = journal.undo()
    step.put(again, back=True)
    assert np.array_equal(again, before)


def test_a_killed_helper_leaves_no_half_files(study, base, truth):
    np.save(study.folder.parent / "snapshot.npy", truth[:2])
    job = LearnJob(
        study.models, study.folder / LOG_FILE, study.folder / "proposals", study.labels_corrected,
        study.journal, study.folder.parent / "snapshot.npy", (0, 1), (0, 1), (4, 5), 0, base, 0, None, SHORT,
        QUICK.model_copy(update={"max_epochs": 500}),
    )  # fmt: skip
    before, movie = files_in(study.folder), np.array(open_label_movie(study.labels_corrected, "r"))
    helper = Helper()
    seconds = []

    def kill(event):
        if getattr(event, "what", "") == "s of learning":
            seconds.append(event.done)
            if len(seconds) == 3:
                os.kill(helper._process.pid, signal.SIGKILL)

    with pytest.raises(HelperError, match="ended before its work was done"):
        follow(helper.run(learn_now, study.open_stack(), job), kill)
    helper.close()
    follow(tidied(study.models, study.folder / "proposals"))
    assert files_in(study.folder) == before
    assert np.array_equal(open_label_movie(study.labels_corrected, "r"), movie)
