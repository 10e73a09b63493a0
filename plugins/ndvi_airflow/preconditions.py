"""What a command is asked for is checked before it creates a run: params, fields and days."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ndvi_airflow.params import refuse_unknown
from ndvi_core.errors import BadInput
from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.support.days import days_between

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ndvi_core.models.field import RegisteredField


def read_conf(text: str) -> dict[str, Any]:
    """Read the params of runs.

    Raises:
        BadInput: it is no JSON object.
    """
    hint = """write one as in -c '{"field_ids": ["field_1"]}'"""
    try:
        conf = json.loads(text)
    except ValueError as error:
        raise BadInput(f"-c is no JSON ({error}): {hint}") from error
    if not isinstance(conf, dict):
        raise BadInput(f"-c has to be a JSON object, not {json.dumps(conf)}: {hint}")
    return conf


def check_params(conf: Mapping[str, Any], params: Any) -> None:
    """Check names and values against a DAG's params.

    Args:
        conf: what the runs are asked for.
        params: of the DAG, as Airflow's database has them.

    Raises:
        BadInput: naming each unknown key, or the value that the param does not take.
    """
    from jsonschema import FormatChecker, ValidationError, validate

    refuse_unknown(conf, list(params))
    for name, value in conf.items():
        try:
            validate(value, params.get_param(name).schema, format_checker=FormatChecker())
        except ValidationError as error:
            place = error.json_path.replace("$", name, 1)
            raise BadInput(f"{place}: {error.message}") from error


def require_fields(connection: "Connection", field_ids: Collection[str]) -> "Sequence[RegisteredField]":
    """Return the fields of these ids.

    Raises:
        BadInput: the registry has no field of an id.
    """
    from ndvi_core.registry.fields import read_fields

    found = list(read_fields(connection, field_ids))
    refuse_unknown_fields(field_ids, {field.field_id for field in found})
    return found


def refuse_unknown_fields(wanted: Collection[str], known: Collection[str]) -> None:
    """Refuse ids that are no fields.

    Raises:
        BadInput: naming them.
    """
    if unknown := sorted(set(wanted) - set(known)):
        raise BadInput(f"no such field in the registry: {', '.join(unknown)}. `airflow ndvi status` lists the fields.")


def require_due(fields: "Sequence[RegisteredField]", start: date, end: date, last_owed_day: date) -> None:
    """Check that fields have an answer on all days of a period, or are owed one.

    Args:
        fields: of the registry.
        start: first day.
        end: last day, included.
        last_owed_day: last day that the ledger reaches.

    Raises:
        BadInput: naming the first field and the days that it is not processed on.
    """
    if end < start:
        raise BadInput(f"the end {end} is before the start {start}")
    if end > last_owed_day:
        raise BadInput(
            f"the last recorded day is {last_owed_day}: the days after it, up to {end}, are left to ndvi_daily"
        )
    days = days_between(start, end)
    for field in fields:
        if start < (first := max(field.seasons[0].plant_date, FIRST_IMAGE)):
            raise BadInput(f"the first day of {field.field_id} is {first}: there is none from {start} on before it")
        if (last := field.seasons[-1].end_date) is not None and end > last:
            raise BadInput(f"the last day of {field.field_id} is {last}: there is none after it up to {end}")
        if not field.active_days(days):
            raise BadInput(f"{field.field_id} has no season between {start} and {end}")
