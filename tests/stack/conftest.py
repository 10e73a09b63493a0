"""What a failing test shows of Airflow: runs that did not succeed, with their tasks' logs."""

from collections.abc import Generator

import pytest

from ndvi_core.errors import TryAgain


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.when == "call" and "person" in item.funcargs:
        try:
            report.sections.append(("Airflow", "\n".join(item.funcargs["person"].explained())))
        except TryAgain as error:
            report.sections.append(("Airflow", str(error)))
    return report
