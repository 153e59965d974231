"""The small example study that comes with the package: simulated, with known truth."""

from __future__ import annotations

from pathlib import Path

from napari_cellseg.errors import InputError


def sample_study() -> Path:
    """Find the folder of the sample study.

    Returns
    -------
    Path
        Folder with one stack per position (TCYX, channels Phase and Nuclei) and the folder ``truth``.

    Raises
    ------
    InputError
        The package was installed without it.
    """
    folder = Path(__file__).parents[1] / "sample_study"
    if not folder.is_dir():
        raise InputError(
            f"The sample study is not in {folder}",
            "It comes with the package",
            'Install again: pip install --force-reinstall "napari-cellseg[all]"',
        )
    return folder


def sample_positions() -> list[Path]:
    """List the stacks of the sample study.

    Returns
    -------
    list of Path
        One file per position, in order of name.

    Raises
    ------
    InputError
        The package was installed without them.
    """
    folder = sample_study()
    positions = sorted(folder.glob("pos*.tif"))
    if not positions:
        raise InputError(
            f"There is no stack in {folder}",
            "The sample study has one per position",
            'Install again: pip install --force-reinstall "napari-cellseg[all]"',
        )
    return positions


def sample_truth(position: Path) -> Path:
    """Find the true labels of a position of the sample study.

    Parameters
    ----------
    position : Path
        A stack of the sample study, or a copy of one with the same name.

    Returns
    -------
    Path
        Label TIFF, axes TYX, uint16: 0 background; unstained nuclei included.

    Raises
    ------
    InputError
        The sample study has no position of this name.
    """
    truth = sample_study() / "truth" / f"{Path(position).stem}.tif"
    if not truth.is_file():
        names = ", ".join(path.stem for path in sample_positions())
        raise InputError(f"The sample study has no position {Path(position).stem}", f"It has {names}")
    return truth
