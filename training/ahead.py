"""Batches drawn by other processes while the network is busy with those before."""

from collections.abc import Iterable, Sequence

import cv2
from torch.utils.data import DataLoader, Dataset

from .batch import Batch, draw_batch
from .clips import Clips
from .schedule import Step


class Batches(Dataset[Batch]):
    """The batches of some steps; each depends on its step alone."""

    def __init__(self, clips: Clips, steps: Sequence[Step], size: int) -> None:
        self._clips = clips
        self._steps = steps
        self._size = size

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: int) -> Batch:
        step = self._steps[index]
        return draw_batch(self._clips, step.stage, step.stage.image_size or self._size, step.chance_to_draw())


def draw_ahead(batches: Batches, loaders: int) -> Iterable[Batch]:
    """The batches in their order, drawn by ``loaders`` processes; with 0 by this one when they are asked for."""
    # A forked process would inherit locks of OpenCV's threads and wait for them for ever.
    context = "spawn" if loaders else None
    return DataLoader(
        batches, batch_size=None, num_workers=loaders, multiprocessing_context=context, worker_init_fn=_use_one_thread
    )


def _use_one_thread(_: int) -> None:
    cv2.setNumThreads(1)  # there are many processes already
