"""The page: one HTML file with its style, its script and its data inside; whatever users wrote appears as text."""

from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from orchestrator.report.story import Story


def render(story: Story, *, now: datetime | None = None) -> str:
    """Return the page of a story."""
    return _template().render(
        story=story,
        style=Markup(_asset("report.css")),  # noqa: S704  (our own)
        script=Markup(_asset("report.js")),  # noqa: S704  (our own)
        version=version("ganarena"),
        now=(now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("orchestrator.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _asset(name: str) -> str:
    return files("orchestrator.report").joinpath("assets", name).read_text(encoding="utf-8")
