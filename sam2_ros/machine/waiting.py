"""How the threads of one computation wait for each other."""

import os


def wait_passively() -> None:
    """Let torch's threads sleep while they wait, instead of turning in circles; call it before torch is loaded.

    On a robot something else always wants the processor that they would turn on. What the user set stands.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
