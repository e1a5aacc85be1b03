"""What an evaluation leaves behind: a folder with the report, and one with two runs side by side."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ..bag.staging import check_free, staged
from ..errors import EvaluationError
from ..measures.record import Evaluation, Failed, FramePictures
from ..report.compare import compare
from ..report.files import read_run
from ..report.html import check_libraries
from .request import EvaluateRequest

# What makes pages is imported where it is used: its libraries are an extra, and whoever lacks them is told so.


def check_output(output: Path) -> None:
    """Raise Sam2RosError when no report could be written there: to be asked before hours of work."""
    check_free(output)
    check_libraries()


def write_output(
    output: Path, evaluations: Sequence[Evaluation], failed: Sequence[Failed], requests: Sequence[EvaluateRequest]
) -> None:
    """Write the report to a new folder, which appears whole at the end or not at all.

    ``requests``: what was asked for, from which the pictures of the worst frames are made. Raises Sam2RosError.
    """
    check_libraries()
    from ..report.page import write_report

    by_source = {str(request.results): request for request in requests}

    def pictures(evaluation: Evaluation, stamps: Collection[int]) -> Iterator[FramePictures]:
        from .pictures import frame_pictures

        request = by_source.get(evaluation.source)
        if request is None:
            raise EvaluationError(f"nothing was asked of {evaluation.source}")
        return frame_pictures(request, stamps)

    with staged(output) as folder:
        write_report(folder, evaluations, failed, pictures)


def compare_runs(a: Path, b: Path, output: Path | None = None) -> str:
    """Two outputs, or their JSON files, side by side: a text to print, and a page in the new folder ``output``.

    Raises Sam2RosError.
    """
    check_libraries()
    from ..report.comparison import comparison_text, write_comparison

    comparison = compare(read_run(a).evaluations, read_run(b).evaluations)
    if output is not None:
        with staged(output) as folder:
            write_comparison(folder, comparison, str(a), str(b))
    return comparison_text(comparison)
