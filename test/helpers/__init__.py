"""What several tests share, and where things lie."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
DATA = TESTS / "data"
CHECKOUT = TESTS.parent
