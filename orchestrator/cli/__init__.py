"""The command line: `ganarena COMMAND`."""

import os
import sys
import warnings
from errno import ENAMETOOLONG
from pathlib import Path

import click

from orchestrator.cli import about, evaluating, keeping, ranking, review, running
from orchestrator.errors import Interrupted, RequestError, WorkError

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ganarena", prog_name="ganarena")
def commands() -> None:
    """Train, judge and compare generative adversarial networks.

    Start with `ganarena demo`, then `ganarena leaderboard`.
    """


for command in (
    *running.COMMANDS,
    *evaluating.COMMANDS,
    *ranking.COMMANDS,
    *review.COMMANDS,
    *keeping.COMMANDS,
    *about.COMMANDS,
):
    commands.add_command(command)


def main() -> None:
    """Run the command line; a wrong request is one sentence and status 2, failed work status 1, an interruption 130."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries, about their own affairs
    # Whoever started us may have closed them.
    sys.stdout, sys.stderr = (stream or Path(os.devnull).open("w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    try:
        commands(prog_name="ganarena", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _say(_sentence(error))
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except WorkError as error:
        _say(str(error))
        sys.exit(INTERRUPTED if isinstance(error, Interrupted) else 1)
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            _say(f"{error.filename}: this name is longer than the system allows; give a shorter one")
            sys.exit(2)
        _say(f"{error.filename or 'the system'}: {error.strerror or error}")
        sys.exit(1)
    except ValueError as error:
        if not isinstance(error, RequestError) and not type(error).__module__.startswith(("gans.", "metrics.")):
            raise
        _say(str(error))
        sys.exit(2)


def _sentence(error: click.ClickException) -> str:
    """Return what click found wrong in our words, with where help is."""
    told, did, you_meant = error.format_message().strip().removesuffix(".").partition(". Did you mean ")
    near = f" (did you mean {you_meant.removesuffix('?')}?)" if did else ""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{told[:1].lower()}{told[1:]}{near}" + (f"; see `{context.command_path} --help`" if context else "")


def _say(sentence: str) -> None:
    click.echo(f"ganarena: {sentence}", err=True)
