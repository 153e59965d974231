import pytest

from napari_cellseg.progress import Cancelled, Clock, Note, Progress, Steps, duration, follow, relay


def count(n: int) -> Steps[int]:
    for i in range(n):
        yield Progress(i, n, "steps")
    return n


def keep(n: int) -> Steps[int]:
    done = 0
    try:
        for i in range(n):
            yield Progress(i, n, "steps")
            done = i + 1
    except Cancelled:
        return done
    return done


def test_follow_tells_every_event_and_returns_the_result() -> None:
    told: list[object] = []
    assert follow(count(3), told.append) == 3
    assert told == [Progress(i, 3, "steps") for i in range(3)]


def test_stop_keeps_what_the_work_kept() -> None:
    told: list[object] = []
    assert follow(keep(10), told.append, lambda: len(told) == 4) == 3


def test_stop_without_anything_to_keep_is_said() -> None:
    with pytest.raises(Cancelled):
        follow(count(10), stop=lambda: True)


def test_the_work_is_closed_when_the_listener_fails() -> None:
    closed: list[bool] = []

    def work() -> Steps[None]:
        try:
            yield Note("one")
        finally:
            closed.append(True)

    def fail(_: object) -> None:
        raise ValueError("listener")

    with pytest.raises(ValueError, match="listener"):
        follow(work(), fail)
    assert closed == [True]


def test_clock_knows_no_time_left_before_the_first_unit() -> None:
    clock = Clock(4, "frames")
    assert clock.at(0).seconds_left is None
    assert clock.at(4).seconds_left == 0


def test_relay_changes_events_and_passes_result_and_stop_on() -> None:
    told: list[object] = []
    steps = relay(keep(10), lambda event: Note(str(event.done)))
    assert follow(steps, told.append, lambda: len(told) == 4) == 3
    assert told[:4] == [Note("0"), Note("1"), Note("2"), Note("3")]
    with pytest.raises(Cancelled):
        follow(relay(count(10), lambda event: event), stop=lambda: True)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (100, "1 min 40 s"), (7260, "2 h 1 min")]
)
def test_durations_are_told_as_people_do(seconds: float, told: str) -> None:
    assert duration(seconds) == told
