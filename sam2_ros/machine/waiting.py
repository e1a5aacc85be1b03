"""How the threads of one computation wait for each other."""

import os

# Turns that a thread makes before it sleeps. The GNU library makes 300,000, milliseconds, in which on a busy machine
# the one that is waited for does not get the processor. Measured by ``benchmarks/busy.py``, see docs/speed.md.
TURNS = 10_000
SAID = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def wait_briefly() -> None:
    """Let torch's threads sleep soon while they wait, instead of turning in circles; call it before torch is loaded.

    What the user says of it in the environment stands.
    """
    if not any(name in os.environ for name in SAID):
        os.environ["GOMP_SPINCOUNT"] = str(TURNS)
