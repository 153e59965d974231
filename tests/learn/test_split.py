import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.data.samples import Sample
from napari_cellseg.learn.split import split_samples


def samples_of(sizes: dict[str, int], shape: tuple[int, int] = (8, 8)) -> list[Sample]:
    return [
        Sample(np.zeros(shape), np.ones(shape, np.int32), group, f"{group} {t}")
        for group, n in sizes.items()
        for t in range(n)
    ]


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 12), min_size=2),
    st.floats(0.05, 0.6),
    st.integers(0, 5),
)
def test_groups_are_never_torn_apart(sizes: dict[str, int], fraction: float, seed: int) -> None:
    samples = samples_of(sizes)
    split = split_samples(samples, fraction, seed)
    learned, kept = ({sample.group for sample in part} for part in (split.training, split.validation))
    assert learned
    assert kept == set(split.held_out)
    assert not learned & kept
    assert len(split.training) + len(split.validation) == len(samples)
    assert split == split_samples(samples, fraction, seed)


def test_about_the_fraction_is_kept_aside() -> None:
    split = split_samples(samples_of({f"p{i}": 10 for i in range(10)}), 0.2, 0)
    assert len(split.held_out) == 2


def test_what_an_earlier_model_never_saw_is_kept_aside_again() -> None:
    samples = samples_of({f"p{i}": 3 for i in range(10)})
    for seed in range(4):
        assert "p7" in split_samples(samples, 0.1, seed, {"p7"}).held_out


def test_groups_without_objects_are_not_what_a_model_is_scored_on() -> None:
    samples = samples_of({"full": 3, "rich": 3})
    samples += [Sample(np.zeros((8, 8)), np.zeros((8, 8), np.int32), "bare", f"bare {t}") for t in range(3)]
    for seed in range(6):
        split = split_samples(samples, 0.3, seed)
        assert any((sample.labels > 0).any() for sample in split.validation)
        assert any((sample.labels > 0).any() for sample in split.training)


def test_of_one_movie_the_end_is_kept_aside() -> None:
    samples = samples_of({"p1": 10})
    split = split_samples(samples, 0.2, 0)
    assert [sample.name for sample in split.validation] == ["p1 8", "p1 9"]
    assert "only one position" in split.how


@pytest.mark.parametrize("shape", [(200, 100), (100, 200), (1000, 1000)])
def test_of_one_frame_a_part_is_kept_aside(shape: tuple[int, int]) -> None:
    split = split_samples(samples_of({"p1": 1}, shape), 0.2, 0)
    (first,), (last,) = split.training, split.validation
    assert first.image.size + last.image.size == shape[0] * shape[1]
    assert first.image.size > last.image.size >= 0.2 * shape[0] * shape[1]
    assert "only one frame" in split.how


def test_a_tiny_frame_is_used_for_both_and_that_is_said() -> None:
    split = split_samples(samples_of({"p1": 1}, (20, 20)), 0.2, 0)
    assert split.training == split.validation
    assert "mean little" in split.how
