"""The person corrects, the program learns: what is offered, what is taken, and what is never touched."""

import time
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from skimage.draw import disk

from napari_cellseg.config import LearnConfig, NetConfig, TrainConfig
from napari_cellseg.data.project import Study, new_label_movie, open_label_movie
from napari_cellseg.errors import TrainingError
from napari_cellseg.evaluate.learning import LearningLog, LearningPoint, write_log
from napari_cellseg.label.edit import delete
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.proposals import EditFile, proposal, written
from napari_cellseg.label.triage import FrameScores, Verdict
from napari_cellseg.live.learning import Learned, Proposals
from napari_cellseg.live.training import TrainingJob, train_on_study
from napari_cellseg.pipeline.lesson import FrameProposed
from napari_cellseg.progress import Progress
from napari_cellseg.ui.correct_step import CorrectStep
from napari_cellseg.ui.layers import add_labels
from napari_cellseg.ui.pictures import join_pictures, picture_of

N = 9
TINY = NetConfig(encoder="tu-regnetx_002", decoder_channels=(32, 16, 16))
QUICK = TrainConfig(max_epochs=3, patch_px=32, batch_size=8, device="cpu", learning_rate=5e-3)


@pytest.fixture
def truth(movie):
    """Disks at the known places; frame 7 was rejected by the person, 8 is doubtful."""
    phase, _stain, places = movie(n_frames=N)
    labels = np.zeros(phase.shape, np.int32)
    for t in range(N):
        for label, (y, x) in enumerate(places, start=1):
            labels[t][disk((y + t % 2, x), 7, shape=labels.shape[1:])] = label
    return labels


@pytest.fixture
def step(session, viewer, movie, truth, tmp_path, until):
    """Step 3, opened for correction in a study."""
    phase, stain, _places = movie(n_frames=N)
    image, other = viewer.add_image(phase, name="Phase"), viewer.add_image(stain, name="DAPI")
    session.use_stack(*join_pictures(picture_of(image), picture_of(other)), image, other)
    session.study = Study.at(tmp_path / "study")
    new_label_movie(session.study.labels_auto, truth.shape)[:] = truth
    session.labels_layer = add_labels(
        viewer, open_label_movie(session.study.labels_auto), "auto", "auto", image
    )
    scores = FrameScores(0, 100, 0, 1000, 8, 1.0, 100.0)
    by = {7: "person"}
    session.verdicts = [Verdict(t, t < 7, "", replace(scores, t=t), by.get(t, "auto")) for t in range(N)]
    session.go_to(0)
    step = CorrectStep(session)
    viewer.window.add_dock_widget(step, area="right")
    step.source.choose(session.labels_layer)
    click(step.primary)
    until(lambda: step.corrections is not None)
    yield step
    step.shut_down()


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def undo(step):
    step.tools.bench.undo()


def point(job, **told):
    values = {
        "model": "learned 1", "model_hash": "a", "before": "nuclei", "before_hash": "b",
        "when": "2026-01-01T00:00:00+00:00", "minutes": 2.0, "learned": job.frames, "exam": (),
        "flatters": True, "ap50": 0.8, "count_error": 0.1, "ap50_before": 0.7,
        "count_error_before": 0.2, "kept": True,
        **told,
    }  # fmt: skip
    return LearningPoint(**values)


def ones(job):
    """Propose one nucleus of 5 by 5 px in every frame that is wanted, its label the frame's number + 100."""
    movie = open_label_movie(job.movie, "r")
    file = job.proposals / "learned 1.edits"
    found = []
    with written(file) as writer:
        for t in job.open_frames:
            labels = np.zeros(movie.shape[1:], np.int32)
            labels[10:15, 20:25] = t + 100
            writer.add(proposal(t, labels, "learned 1"))
            found.append(FrameProposed(t, len(np.unique(movie[t])) - 1, 1, True))
    return Proposals(job.models / "learned 1", file, tuple(found))


def lesson(stack, job):
    """Tell what a learning tells, without one: two seconds, then a proposal for each open frame."""
    copied = np.load(job.snapshot)
    assert copied.shape == (len(job.frames), *stack.frame_shape)
    for done in range(20):
        yield Progress(done, 20, "s of learning", 20 - done)
        time.sleep(0.05)
    told = point(job)
    write_log(job.log, LearningLog(points=(told,)))
    model = job.models / "learned 1"
    return Learned(model, model, told, (), False, ones(job))


def worse(stack, job):
    yield Progress(0, 0, "s of learning")
    told = point(job, flatters=False, exam=(1,), ap50=0.5, kept=False)
    write_log(job.log, LearningLog(points=(told,)))
    made, before = job.models / "learned 1", job.models / "nuclei"
    return Learned(made, before, told, ("learned 0",), False, Proposals(made))


def proposing(stack, job, model):
    yield Progress(0, 0, "frames predicted")
    return ones(job)


def failing(stack, job):
    (job.models / "learned 1.partial").mkdir(parents=True)
    yield Progress(0, 0, "s of learning")
    raise TrainingError("The trained network finds none of the objects", "", "Label more frames")


def stopping(stack, job):
    while True:
        yield Progress(0, 0, "s of learning")
        time.sleep(0.02)


@pytest.fixture
def learned(step, monkeypatch, until):
    """Frames 0 and 1 are accepted, frame 2 is corrected; proposals are offered."""
    monkeypatch.setattr("napari_cellseg.live.learning.learn_now", lesson)
    accept(step, 0)
    accept(step, 1)
    step.corrections.do(delete(step.corrections.movie[2], 3, frame=2))
    click(step.learn.learn)
    assert step.learn.is_at_work
    step.learn.start()  # twice is once
    until(lambda: step.learn.offer.isVisibleTo(step))
    return step.learn


def accept(step, t):
    step.session.go_to(t)
    step.accept()


def test_there_is_nothing_to_learn_until_something_is_accepted(step, session):
    assert not step.learn.learn.isEnabled()
    accept(step, 3)
    assert step.learn.learn.isEnabled()
    assert step.learn.learn.text() == "Learn from 1 frame"


def test_only_open_frames_are_changed_and_one_undo_takes_all_back(learned, step, session, truth, until):
    assert "learned from 3 frames" in learned.offer.question.text()
    assert "for 5 uncorrected frames" in learned.offer.question.text()
    assert "flatters" in learned.offer.question.text()
    before = np.array(step.corrections.movie)
    click(learned.offer.take)
    until(lambda: step.corrections.can_undo and step.corrections.n_proposals_changed == 1)
    until(lambda: step.corrections.settling.n_waiting == 0)
    movie = step.corrections.movie
    changed = {t for t in range(N) if not np.array_equal(movie[t], before[t])}
    assert changed == {3, 4, 5, 6, 8}
    for t in changed:
        assert set(np.unique(movie[t])) == {0, t + 100}
    assert session.corrected_frames == {2}
    assert not learned.offer.isVisibleTo(step)
    step.corrections.flush()
    again = truth.copy()
    Journal(session.study.journal).replay(again)
    assert np.array_equal(again, movie)

    accept(step, 4)
    undo(step)
    until(lambda: step.corrections.settling.n_waiting == 0)
    assert {t for t in range(N) if not np.array_equal(movie[t], before[t])} == {4}  # accepted as proposed
    assert "proposals of learned 1" in step.message.text
    step.tools.bench.redo()
    until(lambda: step.corrections.settling.n_waiting == 0)
    assert {t for t in range(N) if not np.array_equal(movie[t], before[t])} == {3, 4, 5, 6, 8}
    undo(step)
    undo(step)
    assert (movie[2] == 3).any()  # the correction before it is undone next


def test_what_is_corrected_meanwhile_is_respected(learned, step, until):
    movie = step.corrections.movie
    step.corrections.do(delete(movie[5], 1, frame=5))
    accept(step, 6)
    before = np.array(movie)
    click(learned.offer.take)
    step.corrections.do(delete(movie[8], 1, frame=8))  # even while they are being taken
    mine = np.array(movie[8])
    until(lambda: step.corrections.n_proposals_changed == 1)
    until(lambda: step.corrections.settling.n_waiting == 0)
    assert {t for t in range(N) if not np.array_equal(movie[t], before[t])} == {3, 4, 8}
    assert np.array_equal(movie[8], mine)


def test_a_look_shows_outlines_and_changes_nothing(learned, step, session, viewer):
    before = np.array(step.corrections.movie)
    click(learned.offer.look)
    layer = viewer.layers["nuclei (proposal)"]
    assert layer.contour
    assert not layer.editable
    assert viewer.layers.selection.active is step.corrections.layer
    session.go_to(2)
    click(learned.offer.next)
    assert session.frame() == 3
    assert learned.offer.this.text() == "Frame 3: 8 now, 1 proposed."
    assert set(np.unique(np.asarray(layer.data[3]))) == {0, 103}
    assert not np.asarray(layer.data[0]).any()
    click(learned.offer.no)
    assert "nuclei (proposal)" not in viewer.layers
    assert np.array_equal(step.corrections.movie, before)
    assert not step.learn.offer.isVisibleTo(step)


def test_it_learns_by_itself_after_a_few_frames(step, monkeypatch, until):
    monkeypatch.setattr("napari_cellseg.live.learning.learn_now", lesson)
    step.learn.every.setValue(2)
    accept(step, 0)
    accept(step, 1)
    assert not step.learn.is_at_work
    step.learn.by_itself.setChecked(True)
    assert step.learn.is_at_work
    accept(step, 2)
    accept(step, 3)
    until(lambda: step.learn.offer.isVisibleTo(step))  # the first is over, and the next has begun
    assert step.learn.is_at_work
    until(lambda: not step.learn.is_at_work)
    assert "learned from 4 frames" in step.learn.offer.question.text()


def test_a_worse_model_is_not_used_unless_the_person_says_so(step, session, monkeypatch, until):
    monkeypatch.setattr("napari_cellseg.live.learning.learn_now", worse)
    monkeypatch.setattr("napari_cellseg.live.learning.propose_now", proposing)
    accept(step, 0)
    click(step.learn.learn)
    until(lambda: "worse than nuclei" in step.learn.message.text)
    assert "To the bin: learned 0" in step.learn.message.text
    assert session.model.name == "nuclei"
    assert not step.learn.offer.isVisibleTo(step)
    click(step.learn.message.button)
    until(lambda: step.learn.offer.isVisibleTo(step))
    until(lambda: "worse, so not used" in "".join(step.learn.plot.texts()))


def test_failures_and_stops_are_told_and_nothing_is_left(step, session, monkeypatch, until):
    monkeypatch.setattr("napari_cellseg.live.learning.learn_now", failing)
    accept(step, 0)
    click(step.learn.learn)
    until(lambda: "finds none of the objects" in step.learn.message.text)
    until(lambda: not (session.study.models / "learned 1.partial").exists())
    assert step.learn.learn.isEnabled()
    monkeypatch.setattr("napari_cellseg.live.learning.learn_now", stopping)
    click(step.learn.learn)
    until(
        lambda: (
            step.learn.progress.stop.isVisibleTo(step) and "s of learning" in step.learn.progress.text.text()
        )
    )
    click(step.learn.progress.stop)
    until(lambda: "all is as it was" in step.learn.message.text)
    assert step.learn.learn.isEnabled()


def test_the_curve_comes_back_with_the_study(learned, step, session, viewer, until):
    until(step.learn.plot.texts)
    viewer.layers.remove(step.corrections.layer)
    assert not step.learn.plot.isVisibleTo(step)
    click(step.message.button)
    until(lambda: step.corrections is not None)
    until(lambda: step.learn.plot.isVisibleTo(step))
    (text,) = step.learn.plot.texts()
    assert "after 2.0 min of correction" in text
    assert "AP 0.80 (before 0.70)" in text


@pytest.mark.slow
def test_a_real_network_learns_while_the_person_corrects(step, session, truth, until):
    base = session.study.models / "base"
    job = TrainingJob(0, (0, 1, 2, 3), QUICK.model_copy(update={"max_epochs": 6}), TINY, base)
    done = []
    session.run(train_on_study, session.stack, session.study.labels_auto, job, on_done=done.append)
    until(lambda: done, 200_000)
    session.model = base
    step.learn.train = QUICK
    step.learn.options.set_value(LearnConfig(minutes=1, device="cpu"))
    for t in (0, 1, 3):
        accept(step, t)
    click(step.learn.learn)
    step.corrections.do(delete(step.corrections.movie[5], 1, frame=5))
    by_hand = np.array(step.corrections.movie[5])
    until(lambda: not step.learn.is_at_work, 200_000)
    until(step.learn.plot.texts)
    assert "learned from 2 frames" in step.learn.plot.texts()[0]
    assert "on 1 frame of the exam" in step.learn.plot.texts()[0]
    if not step.learn.offer.isVisibleTo(step):  # two epochs may make it worse
        click(step.learn.message.button)
        until(lambda: step.learn.offer.isVisibleTo(step))
    file = EditFile(step.learn.proposing.found.file)
    click(step.learn.offer.take)
    until(lambda: step.corrections.n_proposals_changed == 1)
    until(lambda: step.corrections.settling.n_waiting == 0)
    movie = step.corrections.movie
    for t in (0, 1, 3, 7):
        assert np.array_equal(movie[t], truth[t])
    assert np.array_equal(movie[5], by_hand)
    for t in (2, 4, 6, 8):
        assert np.array_equal(movie[t], file.edit(t).after)
