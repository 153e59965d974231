"""The network while it learns: weights, their running average, the optimiser, and the pace."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import swa_utils

from napari_cellseg.config import NetConfig, TrainConfig
from napari_cellseg.errors import TrainingError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.augment import augment, margin_px
from napari_cellseg.learn.losses import class_loss_of, loss_of
from napari_cellseg.learn.nets import build, freeze_encoder
from napari_cellseg.learn.patches import Batch, Frame, cut
from napari_cellseg.learn.remember import Anchor, n_replayed
from napari_cellseg.learn.sampling import Sampler, mistaken

_AVERAGED_STEPS = 200
"""The average reaches back at most so many steps, and a tenth of the steps so far."""

_WARM_UP_STEPS = 20
_LAST_RATE = 0.02
_WEIGHT_DECAY = 1e-4
_LARGEST_GRADIENT = 5.0


class Learner:
    """A network that learns patch by patch.

    Parameters
    ----------
    net : NetConfig
        The network.
    config : TrainConfig
        How it learns.
    plan : Plan
        Batch, patch and device; `use` changes it later.
    weights : dict of str to Tensor, optional
        Where to start from; random weights when not given.
    replay : sequence of Frame
        What these weights learned from: ``config.replay`` of every batch is cut from here. Without any, the
        weights are held near the start as ``config.stay_near`` says.
    """

    def __init__(
        self,
        net: NetConfig,
        config: TrainConfig,
        plan: runtime.Plan,
        weights: dict[str, Tensor] | None = None,
        replay: Sequence[Frame] = (),
    ) -> None:
        self.config, self.classes = config, net.classes
        self.replay = tuple(replay) if config.replay else ()
        self.network = build(net, config.seed, pretrained=weights is None)
        if weights is not None:
            self.network.load_state_dict(weights)
            if config.freeze_encoder:
                freeze_encoder(self.network)
        near = config.stay_near if weights is not None and not self.replay else 0.0
        self._anchor = Anchor(self.network, near) if near else None
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            weight_decay=0.0 if near else _WEIGHT_DECAY,
            foreach=True,
        )
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser, mode="max", factor=0.5, patience=max(1, config.patience // 3)
        )
        self.generator = runtime.seeded(config.seed)
        self.steps = 0
        self._sampler: Sampler | None = None
        self._wrong: Tensor | None = None
        self.base_rate = config.learning_rate
        self.use(plan)

    def use(self, plan: runtime.Plan) -> None:
        """Change batch, patch or device, and go on.

        Parameters
        ----------
        plan : Plan
            What to use from now on.
        """
        self.plan = plan
        self.optimiser.zero_grad(set_to_none=True)
        runtime.free_memory()
        runtime.laid_out(self.network, plan.device.name)
        runtime.laid_out(self.average, plan.device.name)
        self._means, self._nows = _numbers(self.average), _numbers(self.network)
        for state in self.optimiser.state.values():
            for name, value in state.items():
                if isinstance(value, Tensor) and name != "step":  # Adam counts its steps on the CPU
                    state[name] = value.to(plan.device.name)

    def step(self, frames: Sequence[Frame], spent: float) -> float:
        """Learn from one batch: as many patches as were asked for, in parts where memory holds fewer at once.

        Parameters
        ----------
        frames : sequence of Frame
            Where the patches are cut.
        spent : float
            Part of the time that is used up, 0 to 1; 0 when time is not bounded.

        Returns
        -------
        float
            The loss before the step.

        Raises
        ------
        TrainingError
            The loss is not a number.
        """
        sampler, new, old = self._drawn(frames)
        chosen = [*(frames[number] for number in new), *old]
        self._set_rate(spent)
        self.network.train()
        self.optimiser.zero_grad(set_to_none=True)
        value, wrong = 0.0, []
        for start in range(0, len(chosen), self.plan.batch):
            part = chosen[start : start + self.plan.batch]
            loss, mistakes = self._learn_part(part, len(part) / len(chosen))
            value += loss
            wrong.append(mistakes)
        nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self.optimiser.step()
        sampler.learn(new, torch.cat(wrong)[: len(new)])
        if self._anchor:
            self._anchor.pull(self.optimiser.param_groups[0]["lr"])
        self.steps += 1
        self._average()
        return value

    def _learn_part(self, frames: Sequence[Frame], weight: float) -> tuple[float, Tensor]:
        """Add the gradients of some patches; give their part of the loss, and how wrong each was."""
        side, device = self.plan.side_px, self.plan.device.name
        batch = cut(frames, margin_px(side), self.generator)
        batch = batch if device == "mps" else batch.to(device)  # torch cannot reflect on Apple's GPU
        looks = {"max_scale": self.config.max_scale, "invert": self.config.invert}
        batch = augment(batch, side, self.generator, **looks).to(device)
        with runtime.autocast(device):
            logits = self.network(runtime.laid_out(batch.image, device))
        loss = self._loss(logits, batch) * weight
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"Training went astray: its loss is not a number any more (step {self.steps + 1})",
                "",
                f"Try again with a learning rate below {self.config.learning_rate:g}, and look at the labels",
            )
        loss.backward()  # type: ignore[no-untyped-call]
        return value, mistaken(logits, batch.state, self.classes)

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        if self.classes:
            return class_loss_of(logits, batch.state, self.config.class_loss)
        return loss_of(logits, batch.state, batch.offset, self.config.loss)

    def _drawn(self, frames: Sequence[Frame]) -> tuple[Sampler, list[int], list[Frame]]:
        """Draw the frames of a batch: the numbers of new ones, and old ones to be shown again."""
        if self._sampler is None or self._sampler.frames is not frames:
            self._sampler = Sampler(frames, self.config.hard_frames, self._wrong)
        n = self.config.batch_size
        n_old = n_replayed(n, self.config.replay, self.generator) if self.replay else 0
        new = self._sampler.draw(n - n_old, self.generator) if n_old < n else []
        old = torch.randint(len(self.replay), (n_old,), generator=self.generator).tolist() if n_old else []
        return self._sampler, new, [self.replay[number] for number in old]

    def _set_rate(self, spent: float) -> None:
        """Set the learning rate: a short rise, what the plateau rule says, and a cosine over bounded time."""
        rise = min(1.0, (self.steps + 1) / _WARM_UP_STEPS)
        fall = _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * min(spent, 1.0))) / 2
        for group in self.optimiser.param_groups:
            group["lr"] = self.base_rate * rise * fall

    def judge(self, quality: float) -> None:
        """Lower the learning rate when the score has not risen for some epochs.

        Parameters
        ----------
        quality : float
            Score of the epoch; higher is better.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.base_rate
        self.plateau.step(quality)
        self.base_rate = float(self.optimiser.param_groups[0]["lr"])

    @torch.no_grad()
    def _average(self) -> None:
        """Follow the weights with their exponential average, which scores better than any single step's."""
        keep = 1 - 1 / min(_AVERAGED_STEPS, 1 + self.steps / 10)
        swa_utils.get_ema_multi_avg_fn(keep)(self._means, self._nows, None)  # type: ignore[no-untyped-call]

    def weights(self) -> dict[str, Tensor]:
        """Copy the averaged weights.

        Returns
        -------
        dict of str to Tensor
            On the CPU.
        """
        return {name: value.detach().cpu().clone() for name, value in self.average.state_dict().items()}

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Give everything that is needed to go on later.

        Returns
        -------
        tensors : dict of str to Tensor
            Weights, average, the optimiser's memory and the state of the random numbers.
        numbers : dict of str to object
            The rest, as JSON knows it.
        """
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for index, memory in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in memory.items()}
        tensors["generator"] = self.generator.get_state()
        if self._sampler is not None:
            tensors["wrong"] = self._sampler.wrong
        plateau = {name: getattr(self.plateau, name) for name in ("best", "num_bad_epochs")}
        return tensors, {"steps": self.steps, "base_rate": self.base_rate, **plateau}

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, float]) -> None:
        """Go on from where `state` was taken.

        Parameters
        ----------
        tensors, numbers : dict
            As `state` gave them.
        """

        def part(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)
            }

        self.network.load_state_dict(part("network."))
        self.average.load_state_dict(part("average."))
        memory: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimiser.").items():
            index, _, kind = name.partition(".")
            memory.setdefault(int(index), {})[kind] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": memory})
        self.generator.set_state(tensors["generator"])
        self._sampler, self._wrong = None, tensors.get("wrong")
        self.steps, self.base_rate = int(numbers["steps"]), float(numbers["base_rate"])
        self.plateau.best, self.plateau.num_bad_epochs = (
            float(numbers["best"]),
            int(numbers["num_bad_epochs"]),
        )
        self.use(self.plan)


def _numbers(network: nn.Module) -> list[Tensor]:
    """List weights and running statistics; BatchNorm's count of batches is not used by anything."""
    return [value for value in network.state_dict().values() if value.is_floating_point()]
