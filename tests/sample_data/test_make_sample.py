import csv
from collections import Counter

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from skimage.filters import threshold_otsu


def stained_mask(scene, t, *, stained):
    labels = [i for i in np.unique(scene.truth[t]) if i and scene.stained[i] is stained]
    return np.isin(scene.truth[t], labels)


def good_frames(scene):
    return [t for t in range(len(scene.truth)) if t not in (scene.leaked, scene.blurred)]


def test_the_same_seed_gives_the_same_bytes(make_sample):
    first, again, other = (make_sample.simulate(seed, 3, (96, 80), 6) for seed in (3, 3, 4))
    for name in ("phase", "nuclei", "truth", "shifts", "mitotic"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes(), name
    assert first.stained == again.stained
    assert first.phase.tobytes() != other.phase.tobytes()


def test_shapes_and_types(make_sample):
    scene = make_sample.simulate(5, 4, (100, 140), 8, bits=12)
    assert scene.phase.shape == scene.nuclei.shape == scene.truth.shape == (4, 100, 140)
    assert scene.phase.dtype == np.uint16
    assert 255 < scene.phase.max() <= 4095
    assert make_sample.simulate(5, 2, (64, 64), 3).phase.dtype == np.uint8
    assert make_sample.simulate(5, 2, (64, 64), 3).leaked == -1  # too short for mishaps


def test_density_and_diameters_are_those_of_the_defaults(scene):
    counts = [len(np.unique(frame)) - 1 for frame in scene.truth]
    assert all(30 <= n <= 60 for n in counts), counts
    diameters = []
    for frame in scene.truth:
        inner = np.setdiff1d(frame, np.r_[frame[0], frame[-1], frame[:, 0], frame[:, -1]])
        areas = np.bincount(frame.ravel())[inner[inner > 0]]
        diameters += list(2 * np.sqrt(areas / np.pi))
    assert np.percentile(diameters, 10) >= 14
    assert np.percentile(diameters, 90) <= 22
    assert min(diameters) > 9
    assert max(diameters) < 26


def test_every_label_is_one_piece(scene):
    for frame in scene.truth:
        for label in np.unique(frame)[1:]:
            pieces, n = ndimage.label(frame == label)
            sizes = np.bincount(pieces.ravel())[1:]
            assert n == 1 or sorted(sizes)[-2] <= 4, (label, sizes)  # a crumb where two nuclei meet
            assert sizes.sum() >= 20


def test_numbers_stay_with_their_cells(scene):
    for before, after in zip(scene.truth[:-1], scene.truth[1:], strict=True):
        shared = np.intersect1d(before, after)[1:]
        assert len(shared) > 0.8 * (len(np.unique(before)) - 1)
        here = np.array(ndimage.center_of_mass(before > 0, before, shared))
        there = np.array(ndimage.center_of_mass(after > 0, after, shared))
        step = np.hypot(*(there - here).T)
        assert step.max() < 14
        assert 0.3 < np.median(step) < 5  # they move, but less than their own size


def test_mothers_go_when_their_two_daughters_come(make_sample):
    scene = make_sample.simulate(11, 12, (160, 160), 16, mishaps=False)
    born = {label: parent for label, parent in scene.parent.items() if parent}
    assert born, "no cell divided in 12 frames"
    assert set(Counter(born.values()).values()) == {2}
    seen = {label: np.flatnonzero((scene.truth == label).any((1, 2))) for label in scene.parent}
    for daughter, mother in born.items():
        if len(seen[daughter]) and len(seen[mother]):
            assert seen[mother].max() < seen[daughter].min()
            assert scene.mitotic[seen[mother].max(), mother - 1]
        assert scene.stained[daughter] == scene.stained[mother]


def test_some_nuclei_touch(scene):
    touching = 0
    for frame in scene.truth:
        for a, b in ((frame[1:], frame[:-1]), (frame[:, 1:], frame[:, :-1])):
            pair = (a != b) & (a > 0) & (b > 0)
            touching += len(set(zip(a[pair], b[pair], strict=True)))
    assert touching >= len(scene.truth)


def test_a_tenth_of_the_nuclei_took_no_stain(make_sample):
    scene = make_sample.simulate(12, 3, (256, 256), 40)
    seen = [scene.stained[i] for frame in scene.truth for i in np.unique(frame)[1:]]
    assert 0.07 <= 1 - np.mean(seen) <= 0.12


def test_unstained_nuclei_are_dark_but_seen_in_phase(scene):
    t = good_frames(scene)[0]
    glow = scene.nuclei[t].astype(float)
    ground = np.median(glow[scene.truth[t] == 0])
    bright = glow[stained_mask(scene, t, stained=True)].mean() - ground
    dark = glow[stained_mask(scene, t, stained=False)].mean() - ground
    assert dark < 0.2 * bright
    phase = scene.phase[t].astype(float)
    for stained in (True, False):
        mask = stained_mask(scene, t, stained=stained)
        ring = ndimage.binary_dilation(mask, iterations=2) & ~ndimage.binary_erosion(mask, iterations=1)
        inside = ndimage.binary_erosion(mask, iterations=3)
        assert phase[ring].mean() < phase[inside].mean() - 4, "the rim of a nucleus is dark"


def test_one_threshold_does_not_find_nuclei_in_phase(scene):
    t = good_frames(scene)[0]
    phase = ndimage.gaussian_filter(scene.phase[t].astype(float), 1.5)
    truth = scene.truth[t] > 0
    for found in (phase < threshold_otsu(phase), phase > threshold_otsu(phase)):
        assert (found & truth).sum() / (found | truth).sum() < 0.35


def test_the_stain_bleaches_and_the_light_is_uneven(make_sample):
    scene = make_sample.simulate(9, 3, (256, 256), 25, mishaps=False)
    ground = [np.percentile(frame, 20) for frame in scene.nuclei]
    signal = [
        scene.nuclei[t][stained_mask(scene, t, stained=True)].mean() - ground[t] for t in range(len(ground))
    ]
    assert signal[-1] < 0.65 * signal[0]
    empty = scene.phase[0].astype(float)
    corners = [empty[:60, :60], empty[:60, -60:], empty[-60:, :60], empty[-60:, -60:]]
    light = [np.percentile(corner, 60) for corner in corners]
    assert max(light) > 1.03 * min(light)


def test_mishaps_are_where_they_are_said_to_be(scene):
    def sharpness(frame):
        return ndimage.laplace(ndimage.gaussian_filter(frame.astype(float), 1)).var()

    assert scene.leaked != scene.blurred
    sharp = [sharpness(frame) for frame in scene.phase]
    assert int(np.argmin(sharp)) == scene.blurred
    assert sharp[scene.blurred] < 0.5 * np.median(sharp)
    light = [frame.mean() for frame in scene.nuclei]
    assert int(np.argmax(light)) == scene.leaked
    assert light[scene.leaked] > 1.5 * np.median(light)


def test_the_camera_shifts_a_little_and_the_dish_with_it(make_sample):
    scene = make_sample.simulate(21, 6, (64, 64), 3)
    assert np.allclose(scene.shifts[0], 0)
    assert 0.2 < np.abs(scene.shifts).max() <= 12
    debris = make_sample.scatter_debris(np.random.default_rng(0), (40, 40), 1)
    debris.y[:], debris.x[:] = 20, 24
    for origin in ((0.0, 0.0), (1.5, -2.25)):
        delay, _ = debris.draw((48, 48), origin)
        assert np.allclose(ndimage.center_of_mass(delay), np.subtract((20, 24), origin), atol=0.1)


def test_the_study_is_written_and_its_table_agrees(make_sample, scene, tmp_path):
    make_sample.write_position(tmp_path, "pos", scene)
    with tifffile.TiffFile(tmp_path / "pos.tif") as file:
        assert file.is_imagej
        assert file.series[0].axes == "TCYX"
        assert file.imagej_metadata["Labels"][:2] == ["Phase", "Nuclei"]
        assert file.imagej_metadata["finterval"] == pytest.approx(600)
        stack = file.asarray()
    assert np.array_equal(stack[:, 0], scene.phase)
    assert np.array_equal(stack[:, 1], scene.nuclei)
    assert np.array_equal(tifffile.imread(tmp_path / "truth" / "pos.tif"), scene.truth)
    rows = make_sample.table_rows("pos", scene)
    assert len(rows) == sum(len(np.unique(frame)) - 1 for frame in scene.truth)
    assert sum(row["area_px"] for row in rows) == (scene.truth > 0).sum()


def test_the_script_writes_a_study(make_sample, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_sample, "STUDY", {"pos01": 1})
    monkeypatch.setattr("sys.argv", ["make_sample.py", "--output", str(tmp_path), "--frames", "2"])
    make_sample.main()
    assert "pos01" in capsys.readouterr().out
    with (tmp_path / "truth" / "nuclei.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["frame"] for row in rows} == {"0", "1"}
    assert {row["stained"] for row in rows} == {"0", "1"}


@pytest.mark.parametrize("n_cells", [1, 90])
def test_sparse_and_crowded_scenes(make_sample, n_cells):
    scene = make_sample.simulate(2, 2, (160, 160), n_cells)
    assert scene.truth.max() > 0
    assert np.isfinite(scene.phase).all()
