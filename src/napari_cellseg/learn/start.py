"""What a training starts from: random weights, or another model and what it is not to forget."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from napari_cellseg import __version__
from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.errors import SettingsError
from napari_cellseg.learn.card import CARD_FILE, ModelCard
from napari_cellseg.learn.model import TrainedModel, load_model
from napari_cellseg.learn.replay import Replay, load_replay


@dataclass(frozen=True)
class Start:
    """What a run starts from.

    Attributes
    ----------
    net : NetConfig
        The network.
    base : TrainedModel or None
        Where its weights come from.
    rivals : tuple of (Path, TrainedModel)
        Older models that the new one has to beat.
    replay : Replay
        Patches that the base learned from; without any when there is no base, it has none, or none are asked
        for.
    """

    net: NetConfig
    base: TrainedModel | None
    rivals: tuple[tuple[Path, TrainedModel], ...]
    replay: Replay

    @property
    def object_px(self) -> float:
        """Diameter that the typical object is to have on the network's grid: the one its weights know."""
        return self.base.card.object_px if self.base is not None else self.net.object_px

    def run_name(self, data: str, config: TrainConfig) -> str:
        """Name a run: only an interrupted one of the same name is gone on with.

        Parameters
        ----------
        data : str
            Fingerprint of the training data.
        config : TrainConfig
            How it is trained.

        Returns
        -------
        str
            SHA-256, 64 hexadecimal digits.
        """
        parts = [
            data,
            config.model_dump_json(exclude={"device"}),
            self.net.model_dump_json(),
            self.base.card.sha256 if self.base else "",
            self.replay.sha256,
            __version__,
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def remembering(self, config: TrainConfig) -> str:
        """Say how the run keeps from forgetting what the base has learned.

        Parameters
        ----------
        config : TrainConfig
            How it is trained.

        Returns
        -------
        str
            A sentence; empty when there is nothing to forget, or nothing is done about it.
        """
        if self.base is None:
            return ""
        name = self.base.card.name
        if self.replay.frames:
            return (
                f"{config.replay:.0%} of what the network is shown are images that {name} learned from, so "
                "that it does not forget them."
            )
        return f"The network is held near {name}, so that it forgets less." if config.stay_near else ""


def where_to_start(net: NetConfig, out: Path, base: Path | None, config: TrainConfig) -> Start:
    """Load what a run starts from, and what it has to beat.

    Parameters
    ----------
    net : NetConfig
        The network; that of ``base`` is used where one is given.
    out : Path
        Folder of the model to be; a model that is there is to be beaten.
    base : Path or None
        Folder of the model to start from.
    config : TrainConfig
        Its replay set is read unless ``config.replay`` is 0.

    Returns
    -------
    Start
        Everything in memory: the folders may be moved while the run goes on.

    Raises
    ------
    ModelError
        A model, or the replay set of the base, is damaged or altered.
    SettingsError
        Another number of classes is asked for than the base has.
    """
    rivals: list[tuple[Path, TrainedModel]] = []
    replay = Replay()
    if base is not None:
        rivals.append((base, load_model(base)))
        _check_classes(net, rivals[0][1].card)
        net = rivals[0][1].card.net
        replay = load_replay(base) if config.replay and not net.classes else replay
    if (out / CARD_FILE).is_file() and (base is None or out.resolve() != base.resolve()):
        there = load_model(out)
        if there.card.net.classes == net.classes:  # others answer another question
            rivals.append((out, there))
    return Start(net, rivals[0][1] if base is not None else None, tuple(rivals), replay)


def _check_classes(net: NetConfig, base: ModelCard) -> None:
    """Refuse another number of classes: unlike the network's other settings, it changes what labels mean."""
    if net.classes not in (0, base.net.classes):
        knows = f"tells {base.net.classes} classes apart" if base.net.classes else "finds separate objects"
        raise SettingsError(
            f"{net.classes} classes were asked for, and the model {base.name}, from which training starts, "
            f"{knows}",
            "Both must be the same",
            "Start from nothing, or from another model",
        )
