"""Which network is worth its time: size, ms per 512 x 512 frame on two cores, and AP, on one plot.

Every network starts from random weights and learns from the fluorescence images of the bundled model in the
same time: ``MINUTES`` (3), its preparation included; ``SEED`` (0) is the first random seed and ``SEEDS`` (1)
their number. ``NETS`` is a list of names, with commas, of those wanted. ``RESULTS`` is a file that keeps what
is done, so that an interrupted run goes on; table and plot show all that is in it for this time. With
``--write`` they go into docs/benchmarks-nets.md.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks._bundled_data import Part, nuclei_fluorescence
from benchmarks._front import Point, draw, put_between, table, verdict
from benchmarks._learning import DATA, SKIPPED, find, samples_of, score
from benchmarks._nets import NETS, config_of, default_name
from napari_cellseg.config import Precision, TrainConfig
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import TrainingError
from napari_cellseg.learn.card import read_card
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.nets.sizes import size_of
from napari_cellseg.learn.runtime import autocast, fast_dtype, laid_out
from napari_cellseg.learn.train import train
from napari_cellseg.progress import follow

MINUTES = float(os.environ.get("MINUTES", "3"))
SEED, SEEDS = int(os.environ.get("SEED", "0")), int(os.environ.get("SEEDS", "1"))
RESULTS = Path(os.environ.get("RESULTS", Path(__file__).parent / ".results" / "nets.json"))
DOCS = Path(__file__).parents[1] / "docs"
PAGE, PLOT = DOCS / "benchmarks-nets.md", DOCS / "images" / "nets.svg"
WRITE = "--write"
THREADS, SIDE_PX, ROUNDS = 2, 512, 9


@dataclass(frozen=True)
class Trained:
    """What came of one training.

    Attributes
    ----------
    name, net : str
        The network: its name, and its settings as JSON.
    minutes : float
        Time of training.
    seed : int
        Random seed.
    ap50, ap75, ap90 : float
        Pooled, on the groups kept aside; 0 where training ended with a model that finds nothing.
    epochs : int
        Rounds in that time.
    """

    name: str
    net: str
    minutes: float
    seed: int
    ap50: float = 0.0
    ap75: float = 0.0
    ap90: float = 0.0
    epochs: int = 0


def milliseconds(names: Sequence[str]) -> dict[str, dict[Precision, float]]:
    """Measure the networks alone, in turns, so that what else the computer does slows all of them alike.

    Parameters
    ----------
    names : sequence of str
        Of the networks.

    Returns
    -------
    dict of str to dict
        Median ms per frame by number format, by name.
    """
    networks = {name: laid_out(build(config_of(name)).eval(), "cpu") for name in names}
    frame = laid_out(torch.rand(1, 1, SIDE_PX, SIDE_PX), "cpu")
    seconds: dict[str, dict[Precision, list[float]]] = {n: {"auto": [], "float32": []} for n in names}
    for _ in range(ROUNDS + 1):  # the first round pays for the start
        for name, network in networks.items():
            for precision, taken in seconds[name].items():
                with torch.inference_mode(), autocast("cpu", precision):
                    start = time.perf_counter()
                    network(frame)
                    taken.append(time.perf_counter() - start)
    return {
        name: {precision: 1000 * statistics.median(taken[1:]) for precision, taken in by_format.items()}
        for name, by_format in seconds.items()
    }


def learn(name: str, seed: int, part: Part) -> Trained:
    """Train a network and score it, as the bundled models are.

    Parameters
    ----------
    name : str
        Among `NETS`.
    seed : int
        Random seed.
    part : Part
        The images.

    Returns
    -------
    Trained
        The scores.
    """
    samples = samples_of(part.training)
    config = TrainConfig(
        minutes=MINUTES,
        max_epochs=100_000,
        patience=100_000,
        device="cpu",
        batch_size=8,
        patch_px=128,
        learning_rate=2e-3,
        max_scale=1.6,
        validation_fraction=0.01,  # in minutes, scoring more frames after each round would take most of them
        seed=seed,
    )
    net = config_of(name)
    done = Trained(name, net.model_dump_json(), MINUTES, seed)
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = follow(train(samples, config, net, Path(folder) / "model", any_size=True))
        except TrainingError as error:
            print(f"  {name}, seed {seed}: {error}", flush=True)
            return done
        scores = score(part.tested, find(made, part.tested)[0]).pooled()
        kept = {measure: float(scores[measure]) for measure in ("ap50", "ap75", "ap90")}
        return Trained(**{**asdict(done), **kept, "epochs": read_card(made).epochs})


def points_of(found: Sequence[Trained], ms: dict[str, dict[Precision, float]]) -> list[Point]:
    """Put together what was measured of each network.

    Parameters
    ----------
    found : sequence of Trained
        All trainings.
    ms : dict
        From `milliseconds`.

    Returns
    -------
    list of Point
        Means over the seeds.
    """
    points = []
    for name in dict.fromkeys(run.name for run in found):
        runs, size = [run for run in found if run.name == name], size_of(build(config_of(name)))
        ap50, ap75, ap90 = ([getattr(run, measure) for run in runs] for measure in ("ap50", "ap75", "ap90"))
        points.append(
            Point(
                name,
                NETS[name][0],
                ms[name]["auto"],
                ms[name]["float32"],
                *(statistics.mean(values) for values in (ap50, ap75, ap90)),
                statistics.stdev(ap50) if len(ap50) > 1 else 0.0,
                len(runs),
                size.trained,
                size.fp16_bytes / 1e6,
            )
        )
    return points


def read_results() -> list[Trained]:
    """Read what earlier runs have done in the same time with the same networks.

    Returns
    -------
    list of Trained
        Trainings of other lengths, and of networks that have changed since, are left out.
    """
    rows = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []
    runs = [Trained(**row) for row in rows]
    return [
        run
        for run in runs
        if run.minutes == MINUTES and run.name in NETS and run.net == config_of(run.name).model_dump_json()
    ]


def keep(run: Trained) -> None:
    """Add a training to the results.

    Parameters
    ----------
    run : Trained
        It takes the place of an earlier one of the same network, time and seed.
    """
    rows = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []
    same = ("name", "minutes", "seed")
    others = [row for row in rows if any(row[key] != getattr(run, key) for key in same)]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    write_text(RESULTS, json.dumps([*others, asdict(run)], indent=1))


def wanted_names() -> list[str]:
    """Read which networks are wanted.

    Returns
    -------
    list of str
        Names among `NETS`, in that order.
    """
    asked = [name.strip() for name in os.environ.get("NETS", ",".join(NETS)).split(",") if name.strip()]
    asked = [name for name in sys.argv[1:] if name != WRITE] or asked
    unknown = sorted(set(asked) - set(NETS))
    if unknown:
        raise SystemExit(f"There is no network {', '.join(unknown)}. There are: {', '.join(NETS)}.")
    return [name for name in NETS if name in asked]


def main() -> int:
    """Measure, train, and show table and plot.

    Returns
    -------
    int
        0, or 75 without the images.
    """
    if not (DATA / "dsb2018").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    torch.set_num_threads(min(THREADS, torch.get_num_threads()))
    names = wanted_names()
    found = read_results()
    shown = [name for name in NETS if name in names or name in {run.name for run in found}]
    ms = milliseconds(shown)
    train_missing([(name, seed) for seed in range(SEED, SEED + SEEDS) for name in names], ms)
    points = points_of(read_results(), ms)
    foot = (
        f"{torch.get_num_threads()} threads, {str(fast_dtype('cpu')).removeprefix('torch.')}; "
        f"{MINUTES:g} min of training, {SEEDS} {'seed' if SEEDS == 1 else 'seeds'}"
    )
    told = f"{table(points, default_name())}\n\n{verdict(points, default_name())}"
    print(f"\n{told}\n{foot}")
    if WRITE in sys.argv:
        write_text(PLOT, draw(points, default_name(), foot))
        shown_plot = f"![AP against time, by network](images/{PLOT.name})"
        page = PAGE.read_text(encoding="utf-8")
        write_text(PAGE, put_between(page, f"{shown_plot}\n\n{told}\n\nMeasured with {foot}."))
    return 0


def train_missing(wanted: Sequence[tuple[str, int]], ms: dict[str, dict[Precision, float]]) -> None:
    """Train what was not trained before, and print a line for each training.

    Parameters
    ----------
    wanted : sequence of (str, int)
        Names and seeds.
    ms : dict
        From `milliseconds`.
    """
    done = {(run.name, run.seed): run for run in read_results()}
    part = nuclei_fluorescence() if set(wanted) - set(done) else None
    for name, seed in wanted:
        run = done.get((name, seed))
        if run is None:
            assert part is not None  # noqa: S101 - see above
            run = learn(name, seed, part)
            keep(run)
        weights, taken = size_of(build(config_of(name))).trained / 1e6, ms[name]
        print(
            f"  {NETS[name][0]:<28} seed {seed}  {weights:6.2f} M weights"
            f"  {taken['auto']:6.0f} ms, float32 {taken['float32']:6.0f} ms"
            f"  AP50 {run.ap50:.3f}  AP75 {run.ap75:.3f}  AP90 {run.ap90:.3f}  {run.epochs} epochs",
            flush=True,
        )


if __name__ == "__main__":
    raise SystemExit(main())
