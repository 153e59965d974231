# ruff: noqa: PLC0415 - only the Python of the program that is asked for has its libraries
"""Other programs, run beside ours: this file is run by their own Python, and imports nothing of ours.

``python _peer.py NAME FRAME.npz``; the frame is ``image`` with its ``truth``. Says what it is in one line,
and then, for each line that it reads, how many seconds it took once more.
"""

import os
import sys
import time

import numpy as np


def cellprofiler(image, _truth):
    """Run IdentifyPrimaryObjects as it comes: minimum cross-entropy, declumped by intensity, 10 to 40 px."""
    import cellprofiler_library
    from cellprofiler_library.modules import identifyprimaryobjects

    scaled = (image / image.max()).astype(np.float32)
    found = identifyprimaryobjects(scaled)
    version = getattr(cellprofiler_library, "__version__", "5")
    return f"CellProfiler {version}, {found.max()} objects", lambda: identifyprimaryobjects(scaled)


def stardist(image, truth):
    """Run the published network with random weights, then what follows with the maps of the true objects."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import stardist
    import tensorflow as tf
    from stardist.geometry import polygons_to_label, star_dist
    from stardist.models import Config2D, StarDist2D
    from stardist.nms import non_maximum_suppression
    from stardist.utils import edt_prob

    threads = int(os.environ["OMP_NUM_THREADS"])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    grid = (2, 2)
    model = StarDist2D(Config2D(n_rays=32, grid=grid, n_channel_in=1), name=None, basedir=None)
    dist = star_dist(truth, 32, grid=grid)
    prob = edt_prob(truth)[::2, ::2]
    low, high = np.percentile(image, (1, 99.8))

    def run():
        scaled = ((image - low) / (high - low)).astype(np.float32)
        model.predict(scaled, show_tile_progress=False)
        points, scores, dists = non_maximum_suppression(
            dist, prob, grid=grid, prob_thresh=0.48, nms_thresh=0.3
        )
        return polygons_to_label(dists, points, prob=scores, shape=image.shape)

    weights = model.keras_model.count_params()
    told = f"StarDist {stardist.__version__}, TensorFlow {tf.__version__}, {weights:,} weights"
    return f"{told}, {run().max()} objects", run


def main():
    """Answer until nothing more is asked."""
    name, path = sys.argv[1:]
    frame = np.load(path)
    answers = sys.stdout
    sys.stdout = sys.stderr  # what the libraries print is no answer
    told, run = {"cellprofiler": cellprofiler, "stardist": stardist}[name](frame["image"], frame["truth"])
    print(told, file=answers, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, file=answers, flush=True)


if __name__ == "__main__":
    main()
