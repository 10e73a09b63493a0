"""`python -m ndvi_airflow.local`: the laptop stack's command line. `make help` names the shorter ways to it."""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ndvi_airflow.local import stack
from ndvi_airflow.local.components import process_environment
from ndvi_airflow.local.config import LocalSettings, load_local_settings
from ndvi_airflow.report import open_console
from ndvi_core.errors import NdviError

console = open_console()


def _say(text: str) -> None:
    console.print(f"[green]✓[/] {escape(text)}")


def _bring_up(settings: LocalSettings) -> stack.Stack:
    with console.status("starting"):
        return stack.up(settings, _say)


def _up(settings: LocalSettings) -> None:
    running = _bring_up(settings)
    console.print(f"Airflow is at {running.url}")


def _down(settings: LocalSettings) -> None:
    with console.status("stopping"):
        stack.down(settings, _say)


def _clean(settings: LocalSettings) -> None:
    with console.status("stopping"):
        stack.clean(settings, _say)


def _status(settings: LocalSettings) -> None:
    table = Table(title=str(settings.home))
    for heading in ("part", "process", "log"):
        table.add_column(heading)
    for name, running in stack.status(settings).items():
        cells = (str(running.daemon.pid), str(running.log)) if running else ("[red]not running[/]", "")
        table.add_row(name, *cells)
    console.print(table)


def _env(settings: LocalSettings) -> None:
    running = stack.find(settings)
    for name, value in {**running.variables, **running.s3.environment, **_for_clients(running)}.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    # First, so that another `airflow` on the path does not get in the way.
    sys.stdout.write(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"\n')


def _for_clients(running: stack.Stack) -> dict[str, str]:
    """Return what some S3 clients read instead of AWS's own names, and what keeps a proxy out of the way."""
    return {
        "AWS_DEFAULT_REGION": running.s3.environment["AWS_REGION"],
        "S3_ENDPOINT_URL": running.s3.url,
        "NO_PROXY": process_environment({})["NO_PROXY"],
    }


def _demo(settings: LocalSettings) -> None:
    from ndvi_airflow.local.demo import run_demo

    began = time.monotonic()
    run_demo(_bring_up(settings), console)
    console.print(f"done in {time.monotonic() - began:.0f} s")


def _late_field(settings: LocalSettings, file: Path | None) -> None:
    from ndvi_airflow.local.demo import Farmer

    running = stack.find(settings)
    farmer = Farmer(running, console)
    farmer.register(file or running.season.late_fields)
    farmer.follow_catch_up()
    farmer.follow_seasons()
    farmer.show()


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "up": (_up, "start whatever does not run, and wait until all of it is healthy"),
    "down": (_down, "stop everything; the data stay"),
    "status": (_status, "show what runs"),
    "clean": (_clean, "stop everything and remove its folder"),
    "demo": (_demo, "start everything and do the main job on the season's fields"),
    "late-field": (_late_field, "upload a GeoJSON file of fields and follow it until its days are computed"),
    "env": (_env, 'print exports that make `airflow`, `ndvi` and S3 clients those of the stack: eval "$(... env)"'),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser("python -m ndvi_airflow.local", description="The whole system on one machine.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (run, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        if name == "late-field":
            command.add_argument("file", nargs="?", type=Path, help="default: the season's late fields")
    options = vars(parser.parse_args(arguments))
    run = options.pop("run")
    try:
        run(load_local_settings(), **options)
    except NdviError as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return error.exit_code
    except KeyboardInterrupt:
        console.print("interrupted: `make status` shows what runs, `make down` stops it")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
