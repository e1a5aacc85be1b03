"""Which attention: the memory attention's shapes by every kernel that torch has, and how right each is."""

import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_ros.model.kernels import quick_dtype
from sam2_ros.model.narrow import attend_narrow
from sam2_ros.model.prepared import first_line
from sam2_ros.tracking.transfer import wait_for

from .results import Result, Step, at_most, left_out, noted, objects
from .setting import Setting

WIDTH = 256  # of queries and keys
VALUES = 64, 256  # a memory token as it is, and after its projection
BACKENDS = "FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION", "MATH"
COMPARED = 256  # queries
ERROR = 2e-2  # relative, in the Euclidean norm; half precision is within a hundredth
REPEATS = 20

Kernel = Callable[[Tensor, Tensor, Tensor], Tensor]


def steps(setting: Setting) -> list[Step]:
    """By the number of objects and the width of the values."""
    kernels: dict[str, Kernel] = {"torch's choice": F.scaled_dot_product_attention}
    kernels |= {name: partial(_by, name) for name in BACKENDS}
    kernels |= {"products in blocks": _products}
    quick = [Step(name, partial(_tried, setting, name, kernel)) for name, kernel in kernels.items()]
    return [*quick, Step("FlexAttention", partial(_tried, setting, "FlexAttention", _flexible()), needs_cuda=True)]


def _by(name: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    from torch.nn.attention import SDPBackend, sdpa_kernel  # not in every torch that the package works with

    with sdpa_kernel(getattr(SDPBackend, name)):
        return F.scaled_dot_product_attention(q, k, v)


def _products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend_narrow(q[:, 0], k[:, 0], v[:, 0])[:, None]


def _flexible() -> Kernel:
    compiled: dict[str, Any] = {}

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if not compiled:
            from torch.nn.attention.flex_attention import flex_attention

            compiled["it"] = torch.compile(flex_attention, dynamic=False)
        attended: Tensor = compiled["it"](q, k, v)
        return attended

    return attend


@torch.inference_mode()
def _tried(setting: Setting, name: str, kernel: Kernel) -> Iterator[Result]:
    queries, keys = setting.amounts.attention
    for width in VALUES:
        for batch in setting.amounts.attention_batches:
            what = f"{name}, {objects(batch)}, values of {width}"
            q, k, v = _inputs(setting.device, batch, queries, keys, width)
            try:
                found = kernel(q, k, v)
            except Exception as error:  # each kernel says in its own way what it does not take
                yield left_out(what, f"does not take it: {first_line(error)}")
                break
            yield at_most(f"{what}: relative error", _error(found, q, k, v), ERROR)
            seconds = _seconds(setting.device, partial(kernel, q, k, v))
            rate = 2 * batch * queries * keys * (WIDTH + width) / seconds
            yield noted(f"{what}: {1e3 * seconds:.3f} ms", rate / 1e12, "TFLOP/s")


def _inputs(device: torch.device, batch: int, queries: int, keys: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator(device).manual_seed(batch)
    shapes = (batch, 1, queries, WIDTH), (batch, 1, keys, WIDTH), (batch, 1, keys, width)
    q, k, v = (torch.randn(shape, device=device, generator=generator).to(quick_dtype(device)) for shape in shapes)
    return 2 * q, k, v  # scores spread enough that some keys stand out


def _error(found: Tensor, q: Tensor, k: Tensor, v: Tensor) -> float:
    """Beside float32, for some of the queries of every object."""
    scores = q[:, :, :COMPARED].double() @ k.double().transpose(2, 3) / math.sqrt(WIDTH)
    expected = torch.softmax(scores, dim=3) @ v.double()
    return float((found[:, :, :COMPARED].double() - expected).norm() / expected.norm())


def _seconds(device: torch.device, work: Callable[[], Tensor]) -> float:
    """The median of several."""
    taken = []
    for _ in range(REPEATS):
        wait_for(device)
        begun = time.perf_counter()
        work()
        wait_for(device)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)
