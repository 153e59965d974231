"""Write command-line.md, tables.md, networks.md and keys.md; a test sees that they are up to date."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_cellseg.cli import make_parser
from napari_cellseg.evaluate import tables as evaluation
from napari_cellseg.evaluate.review import report as review
from napari_cellseg.learn.nets import sizes
from napari_cellseg.measure.columns import reference
from napari_cellseg.ui.keys import LEFT_HANDED, NAPARI_KEYS, KeySet, grouped

FOLDER = Path(__file__).parent
_NO_ARGUMENTS = (argparse._HelpAction, argparse._SubParsersAction)

_HEAD = """# Command line

Every step of the job is a command; `python -m napari_cellseg` is the same as `napari-cellseg`. Progress
goes to standard error, results to standard output. An INPUT is a stack, an image, or a folder of images
(TIFF, PNG, JPEG). Files of one folder become one stack where their names tell channels, times and planes of
one field of view; `inspect` shows how names and axes are understood. Where a file has several channels, the
label-free and the fluorescence channel are told apart by their names (phase, brightfield, BF, DIC, ...
against DAPI, Hoechst, nuclear, GFP, ...) or by an option; what is ambiguous is an error that lists the
channels. Labels are matched to images by name.

The first Ctrl-C stops and keeps what is done; the second ends at once.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | unforeseen; for `doctor`, something should be mended |
| 2 | a setting or argument cannot be used |
| 3 | an input cannot be used |
| 4 | a model is missing, damaged or altered |
| 5 | training failed |
| 6 | the disk is full, or a folder cannot be written |
| 130 | interrupted before there was anything to keep |
"""

_TABLES = """# Columns of the tables

`counts.csv` has one row a frame, `cells.csv` one row an object. A model that gives every pixel a class has
no objects to count: in their place, `classes.csv` has one row for each class of each frame. Columns in µm are
there when the pixel size is known.
"""

_EVALUATION = """## Tables of an evaluation

Written by `napari-cellseg evaluate`: `scores.csv` has one row a frame, `groups.csv` one row for each score of
the total and of each group, `ap_curve.csv` and `calibration.csv` hold the curves of the report. What the
scores mean, and how the intervals are found, is told in [Evaluation](evaluation.md).
"""

_REVIEW = """## Tables of a review

Written into the folder `report` of a review by experts, by the window and by `napari-cellseg review report`.
What they mean is told in [Expert review](review.md).
"""

_NETWORKS = """# Networks

All networks take one channel and draw maps of the same size. Each choice is an option of
`napari-cellseg train`, and is found under "Options" of the window's training step. Start with the standard
network; a larger one takes longer in everything, and whether it is better is told by the scores of the frames
that were kept aside. [Networks compared](benchmarks-nets.md) shows what each reaches in the same time.

In the tables, the first number is how many weights are trained, in millions; the second is the size of all
stored numbers at 16 bits each, in megabytes.

* **U-Net** (`unet`, Ronneberger et al. 2015) and **U-Net++** (`unet++`, Zhou et al. 2018) on an encoder from
  [segmentation-models-pytorch](https://github.com/qubvel-org/segmentation_models.pytorch) and
  [timm](https://github.com/huggingface/pytorch-image-models). Training starts from random weights unless
  `--encoder-weights imagenet` asks for those learned from photographs, which are downloaded once.
* **The classical U-Net** (`unet-2015`) with batch norm. With 64 base channels, 3 input channels and 1 map it
  has the well-known 31,055,297 parameters, of which 11,776 are running means and variances.
* **Attention** in the decoder: of channels (`se`: squeeze and excitation with mean and maximum, Woo et al.
  2018), on the skip connections (`gates`: Oktay et al. 2018), of channels and places (`scse`: Roy et al.
  2018). U-Net++ goes with `none` and `scse`.
"""

_KEYS = """# Tools and keys of step 3

All tools of *3 Correct* are buttons in the panel, and all of them have a key. The keys hold while the
layer `nuclei (corrected)` is the active one; a click on any tool makes it so. Other layers keep napari's
keys.

- **Key**: with the cursor on a nucleus, a key such as X or S acts at once, and the tool that you had in
  hand stays there. With the cursor on background it takes its tool in hand instead.
- **Mouse, pen or finger**: tap the button, then the nuclei. No tool needs a double click, a key held down
  or a cursor that hovers. Quick taps all count, and a hand that trembles by less than six pixels of the
  screen is a tap.
- **Line and lasso**: press, draw, let go. A lasso closes itself. Escape drops what is being drawn, and
  puts the tool down.
- **Undo**: every tool is one step, whatever it changed, in one order with the strokes of the brush.

## What the tools go by

*New*, by one click, follows the probability of the model where step 5 has counted the frame, else the
image; *Split*, by two clicks, the shape of the nucleus and the same probability, else the fluorescence;
*Snap* the edges in the image. The image is the fluorescence while its layer is shown; hide it, and the
label-free channel counts. Numbers of new nuclei are chosen by themselves. With napari's *preserve labels*
on (B), nothing that is drawn, ignored or copied takes pixels from other nuclei.

*Through time* lets delete, smooth, fill, grow and shrink go on to the same nucleus in the following
frames. It is followed as long as it overlaps with itself by at least 0.3 (intersection over union); all
of it is one step.

Ignored regions are hatched, so that they are told from nuclei without colours. The brush, too, goes on
with what it starts on: begun in an ignored region, it extends that.

## Keys

The second column of keys is the left-handed set: the left hand has the mouse or the pen, the right one
the right side of the keyboard. It has only letters that lie there on QWERTY, QWERTZ and AZERTY keyboards
alike, with the right Shift and Ctrl, and Backspace.

*Change keys …*, on the sheet that ? opens, changes any of them, takes the left-handed set or goes back to
the defaults. A key that another tool or napari itself has is refused, with a sentence that says what it
does. Your keys are kept in `keys.json`, in the settings folder of the operating system.
"""


def command_line() -> str:
    """Describe all commands and their options in Markdown."""
    return "\n".join([_HEAD, *_sections(make_parser(), "##")])


def _sections(parser: argparse.ArgumentParser, heading: str) -> list[str]:
    """Describe the subcommands of a command, and theirs."""
    parts = []
    for commands in parser._actions:
        if not isinstance(commands, argparse._SubParsersAction):
            continue
        for name, command in commands.choices.items():
            rows = [_row(action) for action in command._actions if not isinstance(action, _NO_ARGUMENTS)]
            parts.append(f"{heading} {name}\n\n{command.description}\n")
            if rows:
                parts.append("| argument | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n")
            parts += _sections(command, f"#{heading} {name}")
    return parts


def _row(action: argparse.Action) -> str:
    shown = ", ".join(f"`{flag}`" for flag in action.option_strings) or f"`{action.metavar or action.dest}`"
    choices = f" One of {', '.join(map(str, action.choices))}." if action.choices else ""
    return f"| {shown} | {(action.help or '').replace('%%', '%')}{choices} |"


def tables() -> str:
    """Describe all columns in Markdown."""
    parts = (_TABLES, reference(), _EVALUATION, evaluation.reference(), _REVIEW, review.reference())
    return "\n".join(parts)


def networks() -> str:
    """Describe the networks and their sizes in Markdown."""
    return f"{_NETWORKS}\n{sizes.reference()}\n"


def keys() -> str:
    """Describe the tools and their keys in Markdown."""
    usual, left = KeySet(), KeySet(LEFT_HANDED)
    parts = [_KEYS]
    for heading, actions in grouped().items():
        parts.append(
            f"### {heading}\n\n| action | key | left-handed | what it does |\n| --- | --- | --- | --- |"
        )
        parts += [
            f"| {key.title} | {usual.shown(key.name)} | {left.shown(key.name)} | {key.text} |"
            for key in actions
        ]
        parts.append("")
    parts.append("### napari's own\n\n| key | what it does |\n| --- | --- |")
    parts += [f"| {key} | {text} |" for key, text in NAPARI_KEYS]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    (FOLDER / "command-line.md").write_text(command_line(), encoding="utf-8")
    (FOLDER / "tables.md").write_text(tables(), encoding="utf-8")
    (FOLDER / "networks.md").write_text(networks(), encoding="utf-8")
    (FOLDER / "keys.md").write_text(keys(), encoding="utf-8")
