from napari_cellseg.label.pace import Pace, Stopwatch, pace


def test_time_counts_while_the_person_is_at_it():
    watch = Stopwatch(30)
    assert watch.lap(0) == 0  # nobody did anything yet
    watch.did(100)
    assert watch.lap(104) == 4
    watch.did(104)
    assert watch.lap(110, counts=False) == 0  # another layer is active
    assert watch.lap(120) == 10
    assert watch.lap(1000) == 14  # 30 s after the last thing done, the rest was a telephone call
    assert watch.lap(1010) == 0
    watch.did(2000)
    assert watch.lap(2001) == 1


def test_pace_is_a_median_of_what_is_done():
    assert pace({}, [], 10) is None
    assert pace({1: 50.0}, [], 10) is None
    assert pace({0: 10.0, 1: 20.0, 2: 900.0, 3: 1.0}, [0, 1, 2], 10) == Pace(20.0, 140.0, 3)
