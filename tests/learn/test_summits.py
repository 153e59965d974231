import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.learn.summits import nearest_summit


def votes_at(*places: tuple[int, int], n: float = 100, spread: float = 0.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    votes = np.zeros((40, 60), np.float32)
    for place in places:
        points = np.rint(random.normal(place, spread, (int(n), 2))).astype(int)
        np.add.at(votes, tuple(np.clip(points, 0, (39, 59)).T), 1)
    return votes


def test_precise_votes_stay_apart_however_near() -> None:
    votes = votes_at((20, 20), (20, 24), (30, 50)) + votes_at((0, 0), n=1)
    numbers = nearest_summit(votes)
    assert set(np.unique(numbers[votes > 0])) == {1, 2, 3}
    assert numbers[20, 20] != numbers[20, 24]
    assert numbers[0, 0] == numbers[20, 20]


def test_votes_in_doubt_are_one_hill() -> None:
    votes = votes_at((20, 30), n=300, spread=3.0)
    assert set(np.unique(nearest_summit(votes)[votes > 0])) == {1}


def test_a_small_top_between_two_hills_is_no_bridge() -> None:
    votes = votes_at((20, 15), (20, 27), n=400, spread=2.0) + votes_at((20, 21), n=8, spread=0.5)
    numbers = nearest_summit(votes)
    assert numbers[20, 15] != numbers[20, 27]


def test_there_is_always_one() -> None:
    assert (nearest_summit(np.ones((1, 1), np.float32)) == 1).all()
    lonely = np.eye(7, dtype=np.float32)
    assert set(np.unique(nearest_summit(lonely)[lonely > 0])) == {1}


def test_without_votes_there_are_no_numbers() -> None:
    assert not nearest_summit(np.zeros((5, 7), np.float32)).any()


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_every_place_with_votes_has_a_number_and_a_summit_its_own(seed: int) -> None:
    random = np.random.default_rng(seed)
    places = [
        (int(y), int(x)) for y, x in zip(random.integers(0, 40, 6), random.integers(0, 60, 6), strict=True)
    ]
    votes = votes_at(*places)
    numbers = nearest_summit(votes)
    assert numbers.shape == (40, 60)
    assert np.array_equal(numbers > 0, votes > 0)
    for y, x in places:
        far = [np.hypot(y - v, x - u) for v, u in places if (v, u) != (y, x)]
        if not far or min(far) > 5:
            assert all(numbers[y, x] != numbers[v, u] for v, u in places if (v, u) != (y, x))
