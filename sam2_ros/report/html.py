"""Templates to pages that need nothing from elsewhere."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ConfigError
from ..measures.record import Figures
from .wording import Column

FOLDER = Path(__file__).parent / "templates"


def check_libraries() -> None:
    """Raise ConfigError when what reports are made with is not there."""
    missing = [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]
    if missing:
        raise ConfigError(f"{' and '.join(missing)} missing for the report: pip install 'sam2_ros[evaluate]'")


def render(template: str, title: str, **values: Any) -> str:
    """The page; every text in it is escaped, only SVG of ours is taken as it is."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    pages = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["figure"] = _figure
    style = Markup((FOLDER / "style.css").read_text(encoding="utf-8"))
    return pages.get_template(template).render(title=title, version=__version__, style=style, **values)


def _figure(figures: Figures, column: Column) -> float:
    return float(getattr(figures, column.name))
