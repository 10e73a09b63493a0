"""What `airflow ndvi ...` and `airflow dags backfill` take; the modules that they name do it."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

from ndvi_airflow.airflow_compat import add_command_to_dags_group

FIELDS = Arg(("-f", "--field"), help="Id of a field; may be given several times", action="append", dest="fields")
FILES = Arg(("files",), help="GeoJSON files of fields", nargs="+", type=Path)
WAIT = Arg(("--wait",), help="Follow the run and end with its outcome", action="store_true")
JSON = Arg(("--json",), help="Print JSON instead of a table", action="store_true")

PROMETHEUS = Arg(("--prometheus",), help="Print the totals in Prometheus' text format", action="store_true")


def _day(text: str) -> date:
    """Read a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as YYYY-MM-DD") from None


def _utc(text: str) -> datetime:
    """Read a date or a time; without a zone it is UTC, as the days of `ndvi_daily` are."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as YYYY-MM-DD") from None


def _positive(text: str) -> int:
    """Read a number of runs."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs: write 1 or more")
    return number


NDVI = GroupCommand(
    name="ndvi",
    help="Register, end, rename and remove fields, see how far they are, compute cells again",
    subcommands=(
        ActionCommand(
            name="migrate",
            help="Bring the registry's database to this version; what it holds stays",
            func=lazy_load_command("ndvi_airflow.commands.migrate"),
            args=(),
        ),
        ActionCommand(
            name="register",
            help="Upload GeoJSON files of fields; field_registration takes them in",
            func=lazy_load_command("ndvi_airflow.upload_commands.register"),
            args=(
                FILES,
                Arg(("-y", "--yes"), help="Confirm fields that would wait for it: very many days", action="store_true"),
            ),
        ),
        ActionCommand(
            name="validate",
            help="Say what registering GeoJSON files of fields would do, and what looks wrong",
            description="As the registry and the extent are now. Ends with 2 if a feature would not be registered.",
            func=lazy_load_command("ndvi_airflow.upload_commands.validate"),
            args=(FILES,),
        ),
        ActionCommand(
            name="status",
            help="Show for each field how many days are computed, cloudy, without scene, failed, missing",
            description=(
                "Ends with exit code 1 if a day of any field is missing or failed. "
                "With --prometheus it ends with 0 then too: the numbers say it."
            ),
            func=lazy_load_command("ndvi_airflow.commands.status"),
            args=(FIELDS, JSON, PROMETHEUS),
        ),
        ActionCommand(
            name="events",
            help="List what is unusual in the seasons of fields: falls, harvests, fields that lag behind, ...",
            description="Those that are open; with --all, those that have ended or were withdrawn too.",
            func=lazy_load_command("ndvi_airflow.event_commands.events"),
            args=(
                FIELDS,
                Arg(("-a", "--all"), help="Whatever their status is", action="store_true"),
                Arg(("--since",), help="Only those with evidence of this day or later, YYYY-MM-DD", type=_day),
                JSON,
            ),
        ),
        ActionCommand(
            name="recompute",
            help="Compute cells again, whether or not they have an answer",
            description="Triggers ndvi_recompute for these fields and days, both included; no other task runs again.",
            func=lazy_load_command("ndvi_airflow.recompute.recompute"),
            args=(
                FIELDS,
                Arg(("-s", "--start-date"), help="First day, YYYY-MM-DD", type=_day, required=True),
                Arg(("-e", "--end-date"), help="Last day, YYYY-MM-DD", type=_day, required=True),
                WAIT,
            ),
        ),
        ActionCommand(
            name="extent",
            help="Show the extents that there have been, and compute what a change of the extent opened",
            description="Rows stay as they were computed. An extent that is new is noted with its date.",
            func=lazy_load_command("ndvi_airflow.extent_commands.extent"),
            args=(
                Arg(
                    ("--compute",),
                    help="Let ndvi_recompute compute what is inside now and was not",
                    action="store_true",
                ),
                WAIT,
            ),
        ),
        ActionCommand(
            name="retire",
            help="End the seasons of fields on a day; nothing is deleted",
            description="Its days after it are not due and not published any more; what is known of them is kept.",
            func=lazy_load_command("ndvi_airflow.field_commands.retire"),
            args=(FIELDS, Arg(("--on",), help="Last day, YYYY-MM-DD", type=_day, required=True)),
        ),
        ActionCommand(
            name="rename",
            help="Give a field another id; its history follows",
            description="Its rows and files get the new name; what is drawn on pictures stays. No run may be at work.",
            func=lazy_load_command("ndvi_airflow.field_commands.rename"),
            args=(Arg(("old",), help="Id of the field"), Arg(("new",), help="Id that no field has")),
        ),
        ActionCommand(
            name="purge",
            help="Remove fields with all of their rows and files",
            description="Says what would be removed, and removes it only with --yes. No run may be at work then.",
            func=lazy_load_command("ndvi_airflow.field_commands.purge"),
            args=(FIELDS, Arg(("-y", "--yes"), help="Remove it, for good", action="store_true")),
        ),
    ),
)


def _refused(hint: str) -> type[argparse.Action]:
    """Return the action of an option of Airflow 2 that has no counterpart: it says what to do instead."""

    class Refused(argparse.Action):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "nargs": "?"})

        def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
            parser.exit(2, f"{'/'.join(self.option_strings)} has no counterpart in Airflow 3: {hint}\n")

    return Refused


_GONE = {
    ("-t", "--task-regex"): "clear the tasks in the web UI, or `airflow ndvi recompute`",
    ("-i", "--ignore-dependencies"): "clear the tasks in the web UI without their upstream tasks",
    ("-I", "--ignore-first-depends-on-past"): "the first run never waits for one before it",
    ("-l", "--local"): "the scheduler runs the tasks, with its executor",
    ("-m", "--mark-success"): "mark the runs in the web UI",
    ("-x", "--donot-pickle"): "nothing is pickled any more",
    ("-y", "--yes"): "nothing is asked; `--dry-run` shows what would be done",
    ("--continue-on-failures",): "runs do not stop each other",
    ("--delay-on-limit",): "the scheduler decides",
    ("--disable-retry",): "set `retries` in the DAG",
    ("--pool",): "set NDVI_COMPUTE_POOL",
    ("--treat-dag-id-as-regex",): "give one DAG at a time",
}

BACKFILL = ActionCommand(
    name="backfill",
    help="Run a DAG for a range of days",
    description=(
        "Creates the runs that `airflow backfill create` would. A day that has a run already is left as it is, unless "
        "that run failed. Prints what was created. Days of ndvi_daily that are not due, and params and fields that are "
        "unknown, are refused before."
    ),
    func=lazy_load_command("ndvi_airflow.backfill.run"),
    args=(
        Arg(("dag_id",), help="Id of the DAG"),
        Arg(("-s", "--start-date"), help="First logical date; alone: the only one", type=_utc),
        Arg(("-e", "--end-date"), help="Last logical date; alone: the only one", type=_utc),
        Arg(("-c", "--conf"), help="Params of the runs, as JSON"),
        Arg(("-B", "--run-backwards"), help="Latest day first", action="store_true"),
        Arg(("--reset-dagruns",), help="Run finished runs again, whatever their state", action="store_true"),
        Arg(("--rerun-failed-tasks",), help="Run failed runs again (the default)", action="store_true"),
        Arg(("--max-active-runs",), help="Runs at the same time", type=_positive),
        Arg(("-n", "--dry-run"), help="Show what would become of each day, and create nothing", action="store_true"),
        Arg(("--wait",), help="Follow the runs and end with 1 if one fails", action="store_true"),
        *(Arg(flags, help=argparse.SUPPRESS, action=_refused(hint)) for flags, hint in _GONE.items()),
    ),
)


def get_commands() -> list[GroupCommand]:
    """Return our group of commands, and put `backfill` back under `dags`, where Airflow 2 had it."""
    add_command_to_dags_group(BACKFILL)
    return [NDVI]
