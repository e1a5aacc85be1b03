"""What a run has to remember between two starts, in one file."""

from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sam2_ros.model.sam2 import Sam2

from .config import TrainingConfig
from .optimizer import Optimizer

STATE_FILE = "state.pt"


class TrainingState:
    """The network, its running mean, the optimiser, and how many steps they have seen."""

    def __init__(self, network: Sam2, config: TrainingConfig) -> None:
        self.step = 0
        self.network = network
        decay = 1 - 1 / config.average_steps
        self.average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))
        self.optimizer = Optimizer(network, config.weight_decay, config.muon)

    def save(self, folder: Path) -> None:
        """Write the state; the file that was there stays whole until the new one is."""
        part = folder / (STATE_FILE + ".part")
        torch.save(
            {
                "step": self.step,
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
            part,
        )
        part.rename(folder / STATE_FILE)

    def load(self, folder: Path) -> bool:
        """Go on where ``folder`` left off; False when there is nothing to go on from."""
        file = folder / STATE_FILE
        if not file.exists():
            return False
        content = torch.load(file, map_location=self.network.device, weights_only=True)
        self.step = content["step"]
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        return True

    @property
    def averaged(self) -> Sam2:
        """The network whose weights are the running mean: the one to use."""
        network = self.average.module
        assert isinstance(network, Sam2)
        return network
