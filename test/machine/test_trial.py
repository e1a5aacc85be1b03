"""Code that is tried in a process of its own."""

import pytest

from sam2_ros.machine.trial import in_python


@pytest.mark.parametrize(
    ("code", "printed", "error"),
    [
        ("print('here')", "here", ""),
        ("raise ValueError('no')", "", "ValueError: no"),
        ("import os; os._exit(3)", "", "it ends with status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "", "it crashes the process (signal 11)"),
    ],
)
def test_what_came_of_it_is_told(code: str, printed: str, error: str) -> None:
    assert in_python(code) == (printed, error)
