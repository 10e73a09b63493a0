"""The command `ndvi`: the image's entry point."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ndvi_core import __version__
from ndvi_core.errors import EXIT_BAD_INPUT, EXIT_DEFECT, EXIT_TRY_AGAIN, BadInput, NdviError
from ndvi_core.support.garbage import relaxed_gc
from ndvi_core.support.log_lines import LOG_FORMATS, formatter

if TYPE_CHECKING:
    from ndvi_core.intake.features import Problem

    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

log = logging.getLogger(__name__)

EXIT_SIGNAL = 128
"""Plus the signal's number, as shells have it."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

DESCRIPTION = """\
NDVI per farm field per day from Sentinel-2.

Every command logs to standard error, a line an event, from the level in NDVI_LOG_LEVEL upwards (unless set, INFO;
WARNING for observe). With NDVI_LOG_FORMAT=json each line is a JSON object, with the run, order, field and day."""

EXIT_CODES = """\
exit codes:
  0    done
  2    bad input: the message names what is wrong and what to do; a retry does not help
  75   a service (network, S3, STAC) failed for now: try again
  130, 143  interrupted
  any other: a defect, with a traceback"""

COMPUTE = """\
Compute the cells of a work order and write their products, the results and, last, the manifest, to the
places that the order names. Exit code 0 means that the manifest is written; cells that could not be
computed are rows of the results with a reason, and the last line of the log names those that failed.
It is written too before exit code 75 if a server of scenes failed for now: other cells are not lost.

S3 credentials, region and endpoint come from the usual AWS_* variables."""

COMPUTE_EXAMPLE = """\
example:
  ndvi compute --order s3://ndvi/runs/ndvi_daily/manual__2025-06-01/orders/0.parquet
  ndvi compute --order file:///data/runs/try/orders/0.parquet

"""

SEASON = """\
Compute the seasons of an order: daily series, summaries, what is usual among the fields of a crop, and events. Writes
them and, last, the manifest to the places that the order names. Exit code 0 means that the manifest is written.

S3 credentials, region and endpoint come from the usual AWS_* variables."""

SEASON_EXAMPLE = """\
example:
  ndvi season --order s3://ndvi/runs/ndvi_season/manual__2025-06-01/order.json

"""

ORDER_SHOW = """\
Print a work order as JSON: its settings and scenes, and each field with its boundary (GeoJSON) and its cells."""

ORDER_SHOW_EXAMPLE = """\
example:
  ndvi order show s3://ndvi/runs/ndvi_daily/manual__2025-06-01/orders/0.parquet

"""

OBSERVE = """\
Compute the NDVI of fields on all days of a period: search the catalogue, read what is needed of the scenes, and write
observations.parquet (GeoParquet), observations.csv and, of each field and day, fields/<id>/<day>/ndvi.tif, ndvi.png and
observation.json to DIR. Rows and pictures are those of the whole system; no database or bucket is needed.

FILE is GeoJSON, longitude and latitude. A feature needs the properties object-type ("field") and object-id. With a
plant-date, days before it are left out, with an end-date days after it. Features that cannot be taken are reported on
standard error, as `ndvi validate` does, and the others are computed.

Prints a table: of each field the last mean NDVI and how many days have which status. A day without a scene has a row
too (no_scene). A field-day that fails, since its scene cannot be read, has a row with the reason (failed), is named on
standard error, and costs no other: the command ends with 0, so look at the status, or at "counts" with --json; it ends
with 75, with everything written, if a server of scenes failed for now.

settings from the environment (.env.template has all):
  STAC_API_URL, STAC_COLLECTION    the catalogue; unless set, Earth Search and its collection sentinel-2-l2a
  NDVI_CATALOGUE                   how its items are read, if it is none of the public ones
  NDVI_MASK_POLICY, NDVI_MIN_VALID_FRACTION, NDVI_MIN_PIXELS    what counts as a value
  NDVI_MEMORY_MB                   memory for blocks of scenes"""

OBSERVE_EXAMPLE = """\
example:
  ndvi observe fields.geojson --start 2025-04-16 --end 2025-04-30 --out ndvi
  ndvi observe fields.geojson --start 2025-04-16 --end 2025-04-30 --out ndvi --rows-only --json

"""

VALIDATE = """\
Check GeoJSON files of fields by the very rules of the intake, before they are uploaded. Prints a line for each
problem, with its place in the file, for what looks wrong, and a summary of each file: which days would become due.
Ends with 2 if anything would be rejected or would have to be confirmed; a file that is not there costs no other.

It knows the files alone. With --extent it also says which fields lie outside; only where the registry is can it be said
what would change.

settings from the environment (.env.template has all):
  NDVI_MAX_GEOJSON_BYTES, NDVI_CONFIRM_DAYS, NDVI_MIN_PIXELS    limits
  NDVI_START_DATE, NDVI_END_DATE                                first and last daily day"""

VALIDATE_EXAMPLE = """\
example:
  ndvi validate fields/*.geojson
  ndvi validate --extent bbox.geojson fields/*.geojson

"""

SAMPLE = """\
Write a season of SYNTHETIC scenes, for trying the pipeline offline: COGs below DIR/scenes, the STAC collection and
items, and the extent and fields of a farm as GeoJSON. What happens on the farm is told for 2025 and 2026: crops and
what follows on them, harvests, mowing, a drought. The same days always get the same pixels."""

SAMPLE_EXAMPLE = """\
example:
  ndvi sample --out season --base-url http://localhost:8083 --start 2025-04-16 --end 2025-04-30
  rustac serve season/collection.json season/items.json

"""


@relaxed_gc()  # imports make many objects, which stay
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else it looks through all installed packages
    options = _parser().parse_args(arguments)
    try:
        _log_to_stderr(options.log_level, _about_order(options.order) if hasattr(options, "order") else {})
        return int(options.run(options))
    except BrokenPipeError:  # who reads our output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_SIGNAL + signal.SIGPIPE
    except NdviError as error:
        log.error("%s", " ".join(str(error).split()))
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_SIGNAL + signal.SIGINT
    except Exception:
        log.exception("defect: please report it with this traceback")
        return EXIT_DEFECT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ndvi", description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"ndvi {__version__}")
    parser.set_defaults(log_level="INFO")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_observe, _add_compute, _add_season, _add_order, _add_validate, _add_sample):
        add(commands)
    return parser


def _add_command(
    commands: "_Commands", name: str, short: str, description: str, example: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=short,
        description=description,
        epilog=example + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_observe(commands: "_Commands") -> None:
    parser = _add_command(
        commands, "observe", "compute a file of fields on all days of a period", OBSERVE, OBSERVE_EXAMPLE
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="GeoJSON file of the fields")
    parser.add_argument("--start", required=True, type=_day, metavar="DAY", help="first day, YYYY-MM-DD")
    parser.add_argument("--end", required=True, type=_day, metavar="DAY", help="last day, included")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to; made if need be")
    parser.add_argument(
        "--rows-only", action="store_true", help="write no folder fields/: neither rasters nor pictures nor JSON"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document with the rows and paths instead")
    parser.set_defaults(run=_observe, log_level="WARNING")


def _observe(options: argparse.Namespace) -> int:
    _exit_on_signals()
    from ndvi_core.settings import load_settings
    from ndvi_core.standalone.observe import observe, take_fields
    from ndvi_core.standalone.summary import document, table

    settings = load_settings()
    if options.rows_only:
        settings = settings.model_copy(update={"products": "none"})
    taken = take_fields(options.file)
    if taken.problems:
        _report(options.file, taken.problems, len(taken.fields), sys.stderr)
    with _progress_bar(hidden=options.json) as progress:
        found = observe(taken.fields, options.start, options.end, out=options.out, settings=settings, progress=progress)
    if options.json:
        sys.stdout.write(f"{document(found, taken.problems)}\n")
        return EXIT_TRY_AGAIN if found.try_again else 0
    files = [path for path in (found.parquet, found.csv, found.pictures) if path]
    names = ", ".join(str(options.out / path.name) for path in files)
    sys.stdout.write(f"{table(found.rows)}\n{names}\n")
    return EXIT_TRY_AGAIN if found.try_again else 0


@contextmanager
def _progress_bar(hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how far the work is while the context lasts, on a terminal alone; log lines appear above the bar."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    unless_a_terminal = None
    with tqdm(unit=" field-days", leave=False, disable=True if hidden else unless_a_terminal) as bar:

        def show(done: int, total: int) -> None:
            if bar.total is None:
                bar.reset(total)
            bar.update(done - bar.n)

        with logging_redirect_tqdm():
            yield show


def _add_compute(commands: "_Commands") -> None:
    parser = _add_command(commands, "compute", "compute a work order", COMPUTE, COMPUTE_EXAMPLE)
    parser.add_argument("--order", required=True, metavar="URI", help="the work order: s3://... or file:///...")
    parser.set_defaults(run=_compute)


def _compute(options: argparse.Namespace) -> int:
    _exit_on_signals()
    from ndvi_core.compute import run_order
    from ndvi_core.raster.gdal import import_rasterio

    import_rasterio()
    run_order(options.order)
    return 0


def _add_season(commands: "_Commands") -> None:
    parser = _add_command(commands, "season", "compute an order for seasons", SEASON, SEASON_EXAMPLE)
    parser.add_argument("--order", required=True, metavar="URI", help="the order: s3://... or file:///...")
    parser.set_defaults(run=_season)


def _season(options: argparse.Namespace) -> int:
    _exit_on_signals()
    from ndvi_core.season_run.run import run_season_order

    run_season_order(options.order)
    return 0


def _add_order(commands: "_Commands") -> None:
    parser = commands.add_parser("order", help="look at a work order")
    parser = _add_command(
        parser.add_subparsers(required=True, metavar="COMMAND"),
        "show",
        "print a work order",
        ORDER_SHOW,
        ORDER_SHOW_EXAMPLE,
    )
    parser.add_argument("order", metavar="URI", help="s3://... or file:///...")
    parser.set_defaults(run=_show_order)


def _show_order(options: argparse.Namespace) -> int:
    import json

    from ndvi_core.compute import OrderFiles
    from ndvi_core.storage.work_orders import describe_order

    json.dump(describe_order(OrderFiles(options.order).order), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


def _add_validate(commands: "_Commands") -> None:
    parser = _add_command(commands, "validate", "check GeoJSON files of fields", VALIDATE, VALIDATE_EXAMPLE)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a GeoJSON file")
    parser.add_argument("--extent", type=Path, metavar="FILE", help="the file with the processing extent")
    parser.set_defaults(run=_validate)


def _validate(options: argparse.Namespace) -> int:
    from ndvi_core.intake.check import check_file_alone, read_upload
    from ndvi_core.intake.extent_file import load_extent
    from ndvi_core.intake.features import Problem
    from ndvi_core.settings import load_settings
    from ndvi_core.storage.object_store import Store

    settings = load_settings()
    where: Path | None = options.extent and options.extent.resolve()
    extent = load_extent(Store(where.parent.as_uri()), where.name) if where else None
    refused = 0
    for path in options.files:
        data = read_upload(path, settings)
        if isinstance(data, Problem):
            refused += _report(path, (data,), 0, sys.stdout)
            continue
        reviewed = check_file_alone(data, settings, extent)
        refused += _report(path, reviewed.problems, len(reviewed.changes), sys.stdout, reviewed.days_due)
    return EXIT_BAD_INPUT if refused else 0


def _report(path: Path, problems: "Sequence[Problem]", fields: int, stream: TextIO, days_due: str = "") -> int:
    """Write a line for each problem of a file, and a summary; return how many reasons to reject there are."""
    from ndvi_core.intake.report import check_lines

    rejected = sum(not problem.registered for problem in problems)
    for line in check_lines(str(path), problems):
        stream.write(f"{line}\n")
    due = f"; {days_due}" if days_due else ""
    stream.write(f"{path}: {fields} fields taken, {rejected} reasons to reject{due}\n")
    return rejected


def _add_sample(commands: "_Commands") -> None:
    parser = _add_command(commands, "sample", "write a season of synthetic scenes", SAMPLE, SAMPLE_EXAMPLE)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    parser.add_argument("--base-url", required=True, metavar="URL", help="where DIR/scenes will be served")
    parser.add_argument("--start", required=True, type=_day, metavar="DAY", help="first day, YYYY-MM-DD")
    parser.add_argument("--end", required=True, type=_day, metavar="DAY", help="last day")
    parser.set_defaults(run=_sample)


def _sample(options: argparse.Namespace) -> int:
    from ndvi_core.sample.season import write_season

    season = write_season(options.out, options.base_url, options.start, options.end)
    sys.stdout.write(f"{season.items}\n")
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as YYYY-MM-DD") from error


def _log_to_stderr(default: str, about: Mapping[str, str]) -> None:
    level = os.environ.get("NDVI_LOG_LEVEL") or default
    if level.upper() not in LOG_LEVELS:
        raise BadInput(f"NDVI_LOG_LEVEL is {level!r}; it takes {', '.join(LOG_LEVELS)}")
    log_format = os.environ.get("NDVI_LOG_FORMAT") or "text"
    if log_format not in LOG_FORMATS:
        raise BadInput(f"NDVI_LOG_FORMAT is {log_format!r}; it takes {', '.join(LOG_FORMATS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(log_format, about))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)  # of what we use: GDAL's debug lines help nobody
    logging.getLogger("ndvi_core").setLevel(level.upper())


def _about_order(uri: str) -> dict[str, str]:
    """Return what the log of an order's command is about: the order, and the run in whose folder it is."""
    *folder, _ = uri.split("/")
    if folder[-1:] == ["orders"]:
        folder.pop()
    return {"run": "/".join(folder[-2:]), "order": uri}


def _exit_on_signals() -> None:
    """End at once on SIGINT and SIGTERM, with 130 and 143, whatever the threads are waiting for.

    A handler of the main thread would have to wait until a read in C returns, and process 1 of a container that has
    no handler is deaf to SIGTERM. Nothing needs to be tidied up: objects are written whole, and the manifest is last.
    """
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def wait() -> None:
        number = signal.sigwait(signals)
        log.error("interrupted by %s: the work is not done", signal.Signals(number).name)
        os._exit(EXIT_SIGNAL + number)

    threading.Thread(target=wait, name="signals", daemon=True).start()
