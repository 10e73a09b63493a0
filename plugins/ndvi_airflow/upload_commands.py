"""`airflow ndvi register` and `validate`: files of fields, checked by the intake's rules as the registry is now."""

from argparse import Namespace
from collections.abc import Iterable

from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.settings import load_settings
from ndvi_airflow.terminal import complain, console, plain_errors
from ndvi_core.errors import BadInput


def register(options: Namespace) -> None:
    """Check files, and put those that hold a good field into `pending/`."""
    from ndvi_core.intake.check import read_upload
    from ndvi_core.intake.features import Problem
    from ndvi_core.intake.report import check_lines
    from ndvi_core.intake.submit import submit

    with plain_errors():
        settings = load_settings()
        bucket, registry = open_bucket(settings.bucket_url), registry_engine()
        refused = []
        for file in options.files:
            data = read_upload(file, settings)
            if isinstance(data, Problem):
                refused.append(str(file))
                _warn(check_lines(str(file), (data,)))
                continue
            reviewed, key = submit(bucket, settings, registry.connect, file.name, data, confirm=options.yes)
            _warn(check_lines(str(file), reviewed.problems))
            if key is None:
                refused.append(str(file))
                continue
            console.print(f"{bucket.uri(key)}: {reviewed.summary}", markup=False)
            if reviewed.waiting:
                complain(f"{file}: {len(reviewed.waiting)} fields will wait until they are confirmed: --yes does that")
        if refused:
            raise BadInput(f"no field that could be registered in {', '.join(refused)}; not uploaded")


def validate(options: Namespace) -> None:
    """Say what the intake would make of files; end with 2 if it would not register everything in them."""
    from ndvi_core.errors import EXIT_BAD_INPUT
    from ndvi_core.intake.check import read_upload
    from ndvi_core.intake.features import Problem
    from ndvi_core.intake.report import check_lines
    from ndvi_core.intake.submit import check_file

    is_whole = True
    with plain_errors():
        settings = load_settings()
        bucket, registry = open_bucket(settings.bucket_url), registry_engine()
        for file in options.files:
            data = read_upload(file, settings)
            if isinstance(data, Problem):
                is_whole = False
                _warn(check_lines(str(file), (data,)))
                continue
            reviewed = check_file(data, registry.connect, bucket, settings)
            is_whole &= all(problem.registered for problem in reviewed.problems)
            _warn(check_lines(str(file), reviewed.problems))
            for change in reviewed.changes:
                if change.changes:
                    console.print(f"{file}: {change.field_id}: {', '.join(change.changes)}", markup=False)
            console.print(f"{file}: {reviewed.summary}", markup=False)
    if not is_whole:
        raise SystemExit(EXIT_BAD_INPUT)


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, style="yellow", markup=False)
