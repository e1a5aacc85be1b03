"""What moves the weights: AdamW, or Muon for the matrices inside the network and AdamW for the rest."""

from typing import Any

import torch
from torch import nn
from torch.optim import AdamW

from sam2_ros.model.sam2 import Sam2

BETAS = (0.9, 0.98)
MOMENTUM = 0.95  # of Muon
LEAST_SIDE = 16  # of a matrix that Muon moves: a smaller one has hardly any directions to balance


class Optimizer:
    """One or two of torch's optimisers that are stepped, saved and loaded together."""

    def __init__(self, network: Sam2, weight_decay: float, muon: bool) -> None:
        inner, matrices, rest = _sorted(network)
        if not muon:
            matrices, inner = inner + matrices, []
        groups: list[dict[str, Any]] = [
            {"params": matrices, "weight_decay": weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        self._parts: list[torch.optim.Optimizer] = [AdamW(groups, betas=BETAS)]
        if inner:
            # arXiv:2502.16982: with this scale a rate that is right for AdamW is right for Muon.
            self._parts.append(
                torch.optim.Muon(inner, weight_decay=weight_decay, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw")
            )

    def set_rate(self, rate: float) -> None:
        """The learning rate from now on."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = rate

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for part in self._parts:
            part.zero_grad()

    def step(self) -> None:
        """Move the weights."""
        for part in self._parts:
            part.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """For a file."""
        return [part.state_dict() for part in self._parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Go on from what `state_dict` gave."""
        for part, state in zip(self._parts, states, strict=True):
            part.load_state_dict(state)


def _sorted(network: Sam2) -> tuple[list[nn.Parameter], list[nn.Parameter], list[nn.Parameter]]:
    """Matrices inside the network, what else decays (kernels, thin matrices), and biases, norms and embeddings."""
    inner: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.ndim < 2 or "." not in name or "embed" in name or "token" in name:
            rest.append(parameter)
        elif parameter.ndim == 2 and min(parameter.shape) >= LEAST_SIDE:
            inner.append(parameter)
        else:
            matrices.append(parameter)
    return inner, matrices, rest
