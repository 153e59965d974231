"""Where models are found: those that come with the program, the person's own, and those of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import platformdirs

from napari_cellseg.errors import ModelError
from napari_cellseg.learn.card import CARD_FILE, ModelCard, read_card


def user_models_folder() -> Path:
    """Tell where the person's own models live.

    Returns
    -------
    Path
        A folder in the user's data directory; it may not exist yet.
    """
    return Path(platformdirs.user_data_dir("napari-cellseg", appauthor=False)) / "models"


def bundled_models_folder() -> Path:
    """Tell where the models that come with the program live.

    Returns
    -------
    Path
        A folder in the package; absent while no model is bundled.
    """
    return Path(__file__).parents[1] / "models"


def model_folders(extra: Sequence[Path] = ()) -> dict[str, Path]:
    """Map the names of models to their folders, without a look at what is in them.

    Parameters
    ----------
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    dict of str to Path
        Of two models of one name the first is taken: the study's own, the person's, the program's.
    """
    found: dict[str, Path] = {}
    for place in (*extra, user_models_folder(), bundled_models_folder()):
        for card in sorted(place.glob(f"*/{CARD_FILE}")):
            if not card.parent.name.startswith("."):  # half-written, or in the bin
                found.setdefault(card.parent.name, card.parent)
    return found


def list_models(extra: Sequence[Path] = ()) -> list[tuple[str, Path, ModelCard]]:
    """List the models that can be used by name.

    Parameters
    ----------
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    list of (str, Path, ModelCard)
        Name, folder and card, by name. A damaged model is left out; `find_model` and loading say why.
    """
    models = []
    for name, folder in sorted(model_folders(extra).items()):
        try:
            models.append((name, folder, read_card(folder)))
        except ModelError:  # told when somebody asks for this model
            continue
    return models


def find_model(name_or_folder: str | Path, extra: Sequence[Path] = ()) -> Path:
    """Find a model by its name or by its folder.

    Parameters
    ----------
    name_or_folder : str or Path
        A name as `list_models` gives, or a model folder.
    extra : sequence of Path
        More folders that hold model folders, such as a study's.

    Returns
    -------
    Path
        The folder of the model.

    Raises
    ------
    ModelError
        There is no such model; the message lists those that exist.
    """
    folder = Path(name_or_folder)
    if (folder / CARD_FILE).is_file():
        return folder
    named = model_folders(extra)
    if str(name_or_folder) in named:
        return named[str(name_or_folder)]
    if folder.is_dir():
        read_card(folder)  # says which file is missing
    known = ", ".join(sorted(named)) or "there is none yet"
    raise ModelError(
        f"There is no model {str(name_or_folder)!r}",
        f"The name of a model or a model folder was expected; models by name: {known}",
        "Choose one of these, give a folder that holds card.json, or train a model first",
    )
