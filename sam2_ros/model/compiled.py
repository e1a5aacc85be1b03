"""The network's passes compiled by torch, for sizes that change from frame to frame without compiling again."""

from collections.abc import Sequence
from types import FunctionType

import torch
from torch import Tensor

from .passes import Function, Functions, Tensors

# Dimensions of the inputs that vary: objects, masks and pointers remembered, which grow with prompted frames.
FOLLOW = ((), (), (), (0, 1), (0, 1), (0, 1), (0, 1))
ENCODE_MEMORY = ((), (0,), (0,), (0,))


class Compiled:
    """A function compiled at first use for the sizes that it then sees, and once `seal` was called never again.

    The compiler takes a size of 1 for a constant whatever is said, so one object and several are compiled apart.
    """

    def __init__(self, function: Function, varying: Sequence[Sequence[int]]) -> None:
        """``varying``: of every input the dimensions that do not keep their size."""
        self._function, self._varying = function, varying
        self._call: Function | None = None
        self._sealed = False

    def __call__(self, *inputs: Tensor) -> Tensors:
        """The function's tensors for these."""
        if not self._sealed:
            for tensor, dimensions in zip(inputs, self._varying, strict=True):
                for dimension in dimensions:
                    if tensor.shape[dimension] > 1:
                        torch._dynamo.mark_dynamic(tensor, dimension)
        if self._call is None:  # not before: a torch that cannot compile under this Python says so at once
            # Sizes that were not said to vary are constants: no guesses from what another network was compiled for.
            self._call = torch.compile(_with_code_of_its_own(self._function), dynamic=False)
        return self._call(*inputs)

    def seal(self) -> None:
        """From now on what was never seen runs uncompiled: compiling takes minutes, in which nothing is tracked."""
        self._call = self._function if self._call is None else torch._dynamo.run(self._call)
        self._sealed = True


def _with_code_of_its_own(function: Function) -> Function:
    """A copy for the compiler, which keeps with a function's code what it made of it: a second network would find the
    first one's, and after eight of them nothing would be compiled any more."""
    assert isinstance(function, FunctionType)
    code = function.__code__.replace()
    return FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)


def compiled(functions: Functions) -> Functions:
    """The same functions, compiled at first use."""
    return Functions(
        Compiled(functions.encode_image, ((),)),
        Compiled(functions.follow, FOLLOW),
        Compiled(functions.encode_memory, ENCODE_MEMORY),
    )


def seal(functions: Functions) -> None:
    """Let `compiled` functions compile no more."""
    for function in (functions.encode_image, functions.follow, functions.encode_memory):
        assert isinstance(function, Compiled)
        function.seal()
