"""Which frames patches are cut from: rare kinds and hard frames oftener than their share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from napari_cellseg.learn.patches import Frame
from napari_cellseg.learn.targets import IGNORED

_FOLLOWED = 0.2
"""What a patch tells about its frame counts this much, and what was known before the rest."""


def sampling_weights(frames: Sequence[Frame]) -> Tensor:
    """Say how often patches are cut from each frame.

    Large frames and large groups have more to teach, but not in proportion to their size: weights go with the
    square root of the area of the group, so that rare kinds of image are seen oftener than their share.

    Parameters
    ----------
    frames : sequence of Frame
        The frames.

    Returns
    -------
    Tensor
        Axes (frame,), float64, with the sum 1.
    """
    areas = torch.tensor([frame.image.size for frame in frames], dtype=torch.float64)
    groups = [frame.group for frame in frames]
    whole = dict.fromkeys(groups, 0.0)
    for group, area in zip(groups, areas.tolist(), strict=True):
        whole[group] += area
    weights = areas / torch.tensor([whole[group] for group in groups], dtype=torch.float64).sqrt()
    return weights / weights.sum()


@torch.no_grad()
def mistaken(logits: Tensor, state: Tensor, classes: int = 0) -> Tensor:
    """Measure how wrong each patch is: 1 - IoU of its objects and what is found, both as far as it counts.

    Of classes, it is the part of wrong pixels among those that are no background, or were taken for none.

    Parameters
    ----------
    logits : Tensor
        Axes NMYX; the first map is the logit of the object probability, or each is that of a class.
    state : Tensor
        Axes NYX, uint8, as `targets.Targets.state`.
    classes : int
        See `NetConfig.classes`.

    Returns
    -------
    Tensor
        Axes (patch,), float64, on the CPU, 0 to 1; 0 where there is nothing and nothing is found.
    """
    found, counted = logits.argmax(1) if classes else (logits[:, 0] > 0).long(), state != IGNORED
    wrong = ((found != state) & counted).sum((1, 2))
    either = (((found > 0) | (state > 0)) & counted).sum((1, 2))
    return (wrong / either.clamp(min=1)).double().cpu()


class Sampler:
    """Draws frames, the harder ones oftener.

    A frame on which the network has been wrong twice as much as on the average one is drawn twice as often
    where ``hard`` is 1, and no oftener than usual where it is 0; in between by the power. No frame's share
    changes by more than ``2 ** hard``: what stays wrong may be a wrong label.

    Parameters
    ----------
    frames : sequence of Frame
        The frames.
    hard : float
        0 to 1.
    known : Tensor, optional
        `wrong` of an earlier sampler of the same frames, to go on from.
    """

    def __init__(self, frames: Sequence[Frame], hard: float, known: Tensor | None = None) -> None:
        self.frames, self.hard = frames, hard
        self._shares = sampling_weights(frames)
        self.wrong = torch.ones(len(frames), dtype=torch.float64) if known is None else known.clone()

    def draw(self, n: int, generator: torch.Generator) -> list[int]:
        """Draw the numbers of frames.

        Parameters
        ----------
        n : int
            How many.
        generator : torch.Generator
            Source of randomness.

        Returns
        -------
        list of int
            A frame may be drawn more than once.
        """
        harder = (self.wrong / self.wrong.mean().clamp(min=1e-9)).clamp(0.5, 2) ** self.hard
        drawn: list[int] = torch.multinomial(
            self._shares * harder, n, replacement=True, generator=generator
        ).tolist()
        return drawn

    def learn(self, drawn: Sequence[int], wrong: Tensor) -> None:
        """Remember how wrong the network was.

        Parameters
        ----------
        drawn : sequence of int
            Numbers of frames.
        wrong : Tensor
            Axes (frame drawn,), float64: from `mistaken`.
        """
        for number, value in zip(drawn, wrong.tolist(), strict=True):
            self.wrong[number] += _FOLLOWED * (value - self.wrong[number])
