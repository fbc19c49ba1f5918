"""The report: one self-contained page about an experiment, and the same pictures for papers."""

from pathlib import Path

from orchestrator.errors import RequestError
from orchestrator.home import Home


def report(home: Home, name: str, output: Path) -> Path:
    """Write the page of the latest attempt of `name`, over an older one, and keep it with the records."""
    from orchestrator.recording.search_run import keep_report
    from orchestrator.report.page import render
    from orchestrator.report.story import gather

    if output.is_dir() or not output.absolute().parent.is_dir():
        raise RequestError(f"-o {output}: expected a file in a folder that exists, for example -o report.html")
    if not home.exists:
        raise RequestError(f"nothing is recorded in {home.path}; run `ganarena demo` first, or give --home")
    story = gather(home, name)
    unfinished = output.with_name(f"{output.name}.new")
    unfinished.write_text(render(story), encoding="utf-8")
    unfinished.replace(output)
    keep_report(home, name, story.attempt, output)
    return output
