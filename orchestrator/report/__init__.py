"""The report: one self-contained page about an experiment, and the same charts for papers."""

from pathlib import Path

from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.unfinished import whole

PAGES = (".html", ".htm")


def report(home: Home, name: str, *, output: Path | None, figures: Path | None = None) -> list[Path]:
    """Write the page of the latest attempt of `name`, its charts as pictures, or both; older files are replaced.

    The page is also kept with the records.
    """
    from orchestrator.recording.search_run import keep_report
    from orchestrator.report.figures import draw
    from orchestrator.report.page import render
    from orchestrator.report.story import gather

    _check(home, output, figures)
    story = gather(home, name)
    if output is not None:
        with whole(output) as unfinished:
            unfinished.write_text(render(story), encoding="utf-8")
        keep_report(home, name, story.attempt, output)
    return draw(story.charts, figures) if figures is not None else []


def _check(home: Home, output: Path | None, figures: Path | None) -> None:
    if output is None and figures is None:
        raise RequestError("expected -o FILE for the page, --figures DIR for its charts as pictures, or both")
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise RequestError(f"-o {output}: expected a file in a folder that exists, for example -o report.html")
    if output is not None and output.suffix.lower() not in PAGES:
        raise RequestError(
            f"-o {output}: the page is HTML, so its name ends in {' or '.join(PAGES)}; --figures DIR draws SVG and PNG"
        )
    if figures is not None and not (figures if figures.exists() else figures.absolute().parent).is_dir():
        raise RequestError(f"--figures {figures}: expected a folder, or the name of a new one in a folder that exists")
    if not home.exists:
        raise RequestError(f"nothing is recorded in {home.path}; run `ganarena demo` first, or give --home")
