"""The command `ndvi`: the image's entry point."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ndvi_core import __version__
from ndvi_core.errors import EXIT_BAD_INPUT, EXIT_DEFECT, BadInput, NdviError

log = logging.getLogger(__name__)

EXIT_SIGNAL = 128
"""Plus the signal's number, as shells have it."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

DESCRIPTION = """\
NDVI per farm field per day from Sentinel-2.

Every command logs to standard error, a line an event, from the level in NDVI_LOG_LEVEL (INFO unless set) upwards."""

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

S3 credentials, region and endpoint come from the usual AWS_* variables."""

COMPUTE_EXAMPLE = """\
example:
  ndvi compute --order s3://ndvi/runs/ndvi_daily/manual__2025-06-01/orders/0.json
  ndvi compute --order file:///data/runs/try/orders/0.json

"""

VALIDATE = """\
Check GeoJSON files of fields by the very rules of the intake, before they are uploaded. Prints a line for each
problem, with its place in the file, and a summary of each file, and ends with 2 if anything would be rejected."""

VALIDATE_EXAMPLE = """\
example:
  ndvi validate fields/*.geojson

"""

SAMPLE = """\
Write a season of SYNTHETIC scenes, for trying the pipeline offline: COGs below DIR/scenes, the STAC collection and
items, and the extent and fields of a farm as GeoJSON. The same days always get the same pixels."""

SAMPLE_EXAMPLE = """\
example:
  ndvi sample --out season --base-url http://localhost:8083 --start 2025-04-16 --end 2025-04-30
  rustac serve season/collection.json season/items.json

"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        _log_to_stderr()
        return int(options.run(options))
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
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_compute, _add_validate, _add_sample):
        add(commands)
    return parser


def _add_compute(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "compute",
        help="compute a work order",
        description=COMPUTE,
        epilog=COMPUTE_EXAMPLE + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--order", required=True, metavar="URI", help="the work order: s3://... or file:///...")
    parser.set_defaults(run=_compute)


def _compute(options: argparse.Namespace) -> int:
    _exit_on_signals()
    from ndvi_core.compute import run_order

    run_order(options.order)
    return 0


def _add_validate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "validate",
        help="check GeoJSON files of fields",
        description=VALIDATE,
        epilog=VALIDATE_EXAMPLE + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a GeoJSON file")
    parser.set_defaults(run=_validate)


def _validate(options: argparse.Namespace) -> int:
    from ndvi_core.intake.features import parse_fields

    any_rejected = False
    for path in options.files:
        parsed = parse_fields(_read(path))
        rejected = [problem for problem in parsed.problems if not problem.registered]
        for problem in parsed.problems:
            outcome = "taken, but" if problem.registered else "rejected"
            name = f" {problem.id}" if problem.id else ""
            place = f" ({problem.where})" if problem.where else ""
            sys.stdout.write(f"{path}: {outcome}{name}{place}: {problem.message}\n")
        sys.stdout.write(f"{path}: {len(parsed.fields)} fields taken, {len(rejected)} reasons to reject\n")
        any_rejected = any_rejected or bool(rejected)
    return EXIT_BAD_INPUT if any_rejected else 0


def _add_sample(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "sample",
        help="write a season of synthetic scenes",
        description=SAMPLE,
        epilog=SAMPLE_EXAMPLE + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    parser.add_argument("--base-url", required=True, metavar="URL", help="where DIR/scenes will be served")
    parser.add_argument("--start", required=True, type=date.fromisoformat, metavar="DAY", help="first day, YYYY-MM-DD")
    parser.add_argument("--end", required=True, type=date.fromisoformat, metavar="DAY", help="last day")
    parser.set_defaults(run=_sample)


def _sample(options: argparse.Namespace) -> int:
    from ndvi_core.sample.season import write_season

    season = write_season(options.out, options.base_url, options.start, options.end)
    sys.stdout.write(f"{season.items}\n")
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error


def _log_to_stderr() -> None:
    level = os.environ.get("NDVI_LOG_LEVEL") or "INFO"
    if level.upper() not in LOG_LEVELS:
        raise BadInput(f"NDVI_LOG_LEVEL is {level!r}; it takes {', '.join(LOG_LEVELS)}")
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING)  # of what we use: GDAL's debug lines help nobody
    logging.getLogger("ndvi_core").setLevel(level.upper())


def _exit_on_signals() -> None:
    """End at once on SIGINT and SIGTERM, with 130 and 143, whatever the threads are waiting for.

    A handler of the main thread would have to wait until a read in C returns, and process 1 of a container that has
    no handler is deaf to SIGTERM. Nothing needs to be tidied up: objects are written whole, and the manifest is last.
    """
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def wait() -> None:
        number = signal.sigwait(signals)
        log.error("interrupted by %s: the order is not done", signal.Signals(number).name)
        os._exit(EXIT_SIGNAL + number)

    threading.Thread(target=wait, name="signals", daemon=True).start()
