"""A digest as people read it."""

from datetime import date

import pytest
from support.events import an_event

from ndvi_airflow.telling.digest import Digest, make_digest
from ndvi_core.models.event import Event
from ndvi_core.registry.telling import Untold

AIRFLOW = "https://airflow.example"
EVENTS = (
    an_event("e1", "green_up", field_id="field_5", before=0.18, value=0.37),
    an_event("e2", field_id="field_3"),
    an_event("e3", field_id="north_7", plant_type="maize", season="2025-2", before=0.8, value=0.31),
    an_event(
        "e4",
        "below_peers",
        field_id="field_2",
        plant_type="wheat",
        first_day=date(2025, 4, 8),
        value=0.41,
        before=0.62,
    ),
    an_event(
        "e5",
        "no_value",
        field_id="field_4",
        plant_type="rye",
        first_day=date(2025, 4, 2),
        value=None,
        before=None,
    ),
    an_event("e6", "harvest_candidate", field_id="field_1", before=0.83, value=0.24),
    an_event("e7", field_id="field_8", status="closed"),
    an_event("e8", "below_peers", field_id="field_9", status="withdrawn", value=0.4, before=0.6),
)
TEXT = """\
NDVI: 2 days are late, 2 drops, 1 field below its peers, 1 field without a value, 1 possible harvest, \
1 field is green again, 1 ended, 1 withdrawn

Not published in time
- 2025-04-26
  https://airflow.example/dags/ndvi_daily
- 2025-04-27
  https://airflow.example/dags/ndvi_daily

Drops
- north_7 (maize 2025-2): NDVI fell from 0.80 to 0.31 between 2025-04-20 and 2025-04-26 [e3]
  https://airflow.example/ndvi/#field=north_7&date=2025-04-26
- field_3 (barley 2025): NDVI fell from 0.71 to 0.42 between 2025-04-20 and 2025-04-26 [e2]
  https://airflow.example/ndvi/#field=field_3&date=2025-04-26

Below other fields of the crop
- field_2 (wheat 2025): NDVI 0.41, where half of the wheat has 0.62 or more, since 2025-04-08 [e4]
  https://airflow.example/ndvi/#field=field_2&date=2025-04-26

Without a value
- field_4 (rye 2025): nothing seen since 2025-04-02, for 25 days and more [e5]
  https://airflow.example/ndvi/#field=field_4&date=2025-04-26

Possible harvests
- field_1 (barley 2025): NDVI fell from 0.83 to 0.24 between 2025-04-20 and 2025-04-26: harvested or mown? [e6]
  https://airflow.example/ndvi/#field=field_1&date=2025-04-26

Green again
- field_5 (barley 2025): NDVI rose from 0.18 to 0.37 between 2025-04-20 and 2025-04-26 [e1]
  https://airflow.example/ndvi/#field=field_5&date=2025-04-26

Ended
- field_8 (barley 2025): NDVI fell from 0.71 to 0.42 between 2025-04-20 and 2025-04-26 [e7]
  https://airflow.example/ndvi/#field=field_8&date=2025-04-26

Withdrawn: not so by the data of today
- field_9 (barley 2025): NDVI 0.40, where half of the barley has 0.60 or more, since 2025-04-20 [e8]
  https://airflow.example/ndvi/#field=field_9&date=2025-04-26
"""


def digest_of(*events: Event, max_lines: int = 20, **days: tuple[date, ...]) -> Digest:
    digest = make_digest(Untold(events=events, **days), AIRFLOW, max_lines)
    assert digest is not None
    return digest


def test_it_names_field_crop_what_since_when_and_by_how_much() -> None:
    assert digest_of(*EVENTS, late_days=(date(2025, 4, 26), date(2025, 4, 27))).text == TEXT


def test_what_is_new_is_named_before_what_has_ended() -> None:
    digest = digest_of(*EVENTS, max_lines=6)
    assert [event.status for event in digest.events] == ["open"] * 6
    assert digest.text.endswith("And 2 more: https://airflow.example/ndvi/\n")
    assert {key for key, status in digest.statuses.items() if status == "counted"} == {"e7", "e8"}


def test_a_mail_has_the_same_words_with_links() -> None:
    html = digest_of(an_event(plant_type="oats <&> peas"), max_lines=1).html
    assert html == (
        "<p>NDVI: 1 drop</p>\n<h3>Drops</h3>\n"
        "<ul><li>field_1 (oats &lt;&amp;&gt; peas 2025): NDVI fell from 0.71 to 0.42 between 2025-04-20 and 2025-04-26 "
        '[e1]<br><a href="https://airflow.example/ndvi/#field=field_1&amp;date=2025-04-26">Look</a></li></ul>\n'
    )


def test_the_id_goes_by_what_is_said() -> None:
    one, same = digest_of(*EVENTS), digest_of(*reversed(EVENTS))
    assert one.digest_id == same.digest_id != digest_of(*EVENTS[1:]).digest_id


def test_there_is_no_digest_of_nothing() -> None:
    assert make_digest(Untold(), AIRFLOW, 20) is None


@pytest.mark.parametrize("number", [1, 1234])
def test_numbers_are_written_for_people(number: int) -> None:
    digest = digest_of(*(an_event(f"e{one}") for one in range(number)))
    assert digest.subject == ("NDVI: 1 drop" if number == 1 else "NDVI: 1,234 drops")
