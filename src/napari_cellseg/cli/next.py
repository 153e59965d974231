"""The command that tells which frames to correct next, and why."""

from __future__ import annotations

import argparse
import json


def run(options: argparse.Namespace) -> int:
    """List the frames of a study from whose correction a model would learn most.

    Parameters
    ----------
    options : argparse.Namespace
        The study, how many frames to list, and how.

    Returns
    -------
    int
        0.
    """
    from dataclasses import asdict

    from napari_cellseg.cli.bar import show
    from napari_cellseg.data.project import Study
    from napari_cellseg.data.write import write_csv
    from napari_cellseg.live.next_frames import next_frames

    found = show(next_frames(Study.open(options.study)))
    if options.suspects is not None:
        write_csv(options.suspects, found.suspects)
    proposals = found.queue[: options.frames]
    if options.json:
        print(json.dumps([asdict(one) for one in proposals], indent=1))
        return 0
    print(found.said)
    for one in proposals:
        print(f"frame {one.frame:>5}  {one.score:.2f}  {one.reason}")
    if not proposals:
        print("All frames are corrected.")
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the command.
    """
    from pathlib import Path

    parser.add_argument("study", type=Path, metavar="STUDY", help="Folder of a study.")
    parser.add_argument("--frames", type=int, default=10, metavar="N", help="How many to list. Default: 10.")
    parser.add_argument(
        "--suspects",
        type=Path,
        metavar="CSV",
        help="Write the objects that look wrong here, with the reasons.",
    )
    parser.add_argument(
        "--json", action="store_true", help="Print JSON, with the box in which most is in doubt."
    )
