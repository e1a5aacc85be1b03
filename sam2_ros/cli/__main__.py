"""``python -m sam2_ros.cli``."""

import sys

from . import main

sys.exit(main())
