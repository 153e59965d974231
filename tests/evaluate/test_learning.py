from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.learning import (
    LearningLog,
    LearningPoint,
    choose_exam,
    minutes_at_work,
    read_log,
    write_log,
)

FRAMES = st.sets(st.integers(0, 40), max_size=25)


def point(model="learned 1", learned=(1, 2), **told):
    values = {
        "model": model,
        "model_hash": "a" * 12,
        "before": "nuclei",
        "before_hash": "b" * 12,
        "when": "2026-01-01T00:00:00+00:00",
        "minutes": 1.5,
        "learned": learned,
        "exam": (),
        "flatters": False,
        "ap50": 0.8,
        "count_error": 0.05,
        "ap50_before": 0.7,
        "count_error_before": 0.1,
        "kept": True,
        **told,
    }
    return LearningPoint(**values)


def test_a_log_comes_back_and_a_damaged_one_is_told(tmp_path):
    path = tmp_path / "learning.json"
    assert read_log(path) == LearningLog()
    log = LearningLog(exam=(3,), points=(point(), point("learned 2", kept=False)))
    write_log(path, log)
    assert read_log(path) == log
    path.write_text(path.read_text()[:-30])
    with pytest.raises(InputError, match="cannot be read"):
        read_log(path)
    path.write_text('{"version": 99}')
    with pytest.raises(InputError, match="later version"):
        read_log(path)


def test_which_model_is_current_best_and_worse():
    log = LearningLog(
        points=(
            point("learned 1", flatters=True, ap50=0.99),
            point("learned 2", ap50=0.9),
            point("learned 3", before="learned 2", ap50=0.85, ap50_before=0.9, kept=False),
        )
    )
    assert log.current == "learned 2"
    assert log.best == "learned 2"  # that of a score that flatters does not count
    assert [one.is_worse for one in log.points] == [False, False, True]
    assert not point(ap50=0.69, ap50_before=0.7).is_worse  # by chance
    assert LearningLog().current == LearningLog().best == ""


@given(FRAMES, FRAMES, FRAMES)
def test_the_exam_is_never_learned_and_stays(accepted, learned, before):
    log = LearningLog(exam=tuple(sorted(before - learned)), points=(point(learned=tuple(learned)),))
    exam = choose_exam(accepted, log)
    assert set(log.exam) <= set(exam)
    assert not set(exam) & learned
    new = set(exam) - set(log.exam)
    assert new <= accepted
    wanted = max(1, len(accepted) // 4) if len(accepted) >= 3 else 0
    possible = len(accepted - learned)
    sat = len(set(exam) & accepted)
    assert sat >= min(wanted, possible)
    assert not new or sat == min(wanted, possible)
    assert choose_exam(accepted, log.model_copy(update={"exam": exam})) == exam


def test_few_frames_are_all_learned_and_the_third_makes_an_exam():
    assert choose_exam({1, 5}, LearningLog()) == ()
    assert choose_exam({1, 5, 9}, LearningLog()) == (5,)
    assert choose_exam({1, 5, 9}, LearningLog(points=(point(learned=(1, 5)),))) == (9,)
    assert choose_exam(range(0, 80, 10), LearningLog(exam=(0,))) == (0, 70)  # far from the others


def test_pauses_are_no_work():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = (0, 20, 49, 79, 600, 610)
    times = [start + timedelta(seconds=s) for s in seconds]
    assert minutes_at_work(times) == pytest.approx((20 + 29 + 10) / 60)
    assert minutes_at_work([]) == minutes_at_work(times[:1]) == 0
