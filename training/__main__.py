"""``python -m training CONFIG``: train what the configuration says."""

import argparse
import math
import sys
from pathlib import Path

from sam2_ros.errors import Sam2RosError

from . import parallel
from .config import TrainingError, read_config
from .run import train


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("config", type=Path, help="YAML file of the run, see training/*.yaml")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/NAME OF THE CONFIG)")
    parser.add_argument("--clips", type=Path, help="folder of prepared clips, to share between runs")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop and save after so long; go on later")
    arguments = parser.parse_args()
    out = arguments.out or Path("runs") / arguments.config.stem
    try:
        parallel.join()
        weights = train(read_config(arguments.config), out, arguments.clips, 60 * arguments.minutes)
        if parallel.is_first():
            print(weights)
    except (TrainingError, Sam2RosError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted; the same command goes on from the last saved step in {out}", file=sys.stderr)
        return 130
    finally:
        parallel.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
