"""The tables of the registry database; `ndvi_core.registry.migrations` brings a database to them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from ndvi_core.models.observation import IndexStatistics, Observation, Statistics, columns_of

metadata = MetaData()


def _number(annotation: object) -> type[Integer] | type[Double[float]]:
    return Integer if annotation == int | None else Double


BOUNDS = ("west", "south", "east", "north")

field = Table(
    "field",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("field_id", Text, nullable=False, unique=True),
    Column("geometry", LargeBinary, nullable=False, comment="WKB, WGS84"),
    Column("geometry_hash", Text, nullable=False),
    *(Column(name, Double, nullable=False, comment="bounds of the geometry, degrees") for name in BOUNDS),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("seasons_given", Integer, nullable=False, server_default="1", comment="number of its newest season"),
    Column("source", Text, nullable=False, comment="URI of the file that the current values came from"),
    Column("announced", Boolean, nullable=False, server_default="false", comment="consumers were told of these values"),
    Column(
        "caught_up", Boolean, nullable=False, server_default="false", comment="its days before registration are done"
    ),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)
Index("field_by_place", text("box(point(west, south), point(east, north))"), _table=field, postgresql_using="gist")
Index("field_unannounced", field.c.sequence, postgresql_where=text("NOT announced"))
Index("field_behind", field.c.sequence, postgresql_where=text("NOT caught_up"))

season = Table(
    "season",
    metadata,
    Column("sequence", ForeignKey("field.sequence", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="given once for each field, never reused"),
    Column("name", Text, nullable=False),
    Column("plant_type", Text, nullable=False),
    Column("plant_date", Date, nullable=False),
    Column("end_date", Date, comment="the stated one, or the eve of the next season if that is earlier"),
    Column("stated_end", Date),
    Column("revision", Integer, nullable=False, comment="of the boundary that its days are computed for"),
    Column("geometry_hash", Text, nullable=False, comment="of that boundary"),
    Column("source", Text, nullable=False, comment="URI of the file that its values came from"),
    Column(
        "registered_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        comment="when an upload began it",
    ),
    comment="the seasons of each field, of which no two have a day in common",
)

field_revision = Table(
    "field_revision",
    metadata,
    Column("sequence", ForeignKey("field.sequence"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("geometry", LargeBinary, nullable=False),
    Column("geometry_hash", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

observation = Table(
    "observation",
    metadata,
    Column("date", Date, primary_key=True),
    Column("sequence", ForeignKey("field.sequence"), primary_key=True),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    *(Column(name, _number(info.annotation)) for name, info in Statistics.model_fields.items()),
    Column("quality", ARRAY(Text), nullable=False, server_default="{}"),
    Column("note", Text),
    Column("acquired_at", DateTime(timezone=True)),
    Column("platform", Text),
    Column("relative_orbit", Integer),
    Column("sun_zenith", Double),
    Column("view_zenith", Double),
    Column("scene_ids", ARRAY(Text), nullable=False),
    Column("baseline", Text),
    Column("offset_rule", Text),
    Column("mask_policy", Text, nullable=False),
    Column("algorithm_version", Text, nullable=False),
    Column("geometry_hash", Text, nullable=False),
    Column("extent", Text, comment="null: computed before extents were registered, for the first of them"),
    Column("fingerprint", Text, nullable=False),
    Column("failed_fingerprint", Text, comment="of a newer attempt that failed, while the row keeps its answer"),
    Column("planned_at", DateTime(timezone=True), nullable=False, comment="when the run that computed it was planned"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("observation_by_field", observation.c.sequence, observation.c.date)
# Rows mostly lie day by day: some days of all fields are some parts of the table, however many fields there are.
Index("observation_by_date", observation.c.date, postgresql_using="brin", postgresql_with={"autosummarize": "on"})

observation_index = Table(
    "observation_index",
    metadata,
    Column("date", Date, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("index", Text, primary_key=True),
    *(Column(name, Double) for name in IndexStatistics.model_fields),
    ForeignKeyConstraint(["date", "sequence"], ["observation.date", "observation.sequence"], ondelete="CASCADE"),
    comment="a row of the ledger has one for each index other than NDVI",
)

index_set = Table(
    "index_set",
    metadata,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("names", ARRAY(Text), nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="the sets of indices that there have been; the last is that of today, and none is NDVI alone",
)

extent = Table(
    "extent",
    metadata,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("bounds", Text, nullable=False, comment="west,south,east,north in degrees, WGS84"),
    Column("registered_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="the extents that there have been; the last is that of today",
)

claim = Table(
    "claim",
    metadata,
    Column("run", Text, primary_key=True, comment="prefix of the run's folder"),
    Column("sequence", ForeignKey("field.sequence", ondelete="CASCADE"), primary_key=True),
    Column("days", ARRAY(Date), nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="cells that a run is computing, which no other is to compute meanwhile",
)
Index("claim_by_field", claim.c.sequence)

recorded_day = Table(
    "recorded_day",
    metadata,
    Column("date", Date, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column(
        "published",
        Boolean,
        nullable=False,
        server_default="false",
        comment="its file was; a day that was left out waits for the catch-up",
    ),
    comment="days that a daily run has recorded: up to the last of them, fields that arrive late are owed a row",
)

written_day = Table(
    "written_day",
    metadata,
    Column("note", BigInteger, Identity(always=True), primary_key=True),
    Column("date", Date, nullable=False),
    comment="notes that rows of a day were written: with one more, copies of the day are out of date",
)
Index("written_day_by_date", written_day.c.date)

stale_day = Table(
    "stale_day",
    metadata,
    Column("date", Date, primary_key=True),
    comment="days whose files are to be published anew",
)

stale_season_part = Table(
    "stale_season_part",
    metadata,
    Column("note", BigInteger, Identity(always=True), primary_key=True),
    Column("year", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    comment="notes that a part of a year's seasons is to be computed anew; a part may have several",
)

season_setting = Table(
    "season_setting",
    metadata,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("settings", Text, nullable=False, comment="all that decides the numbers of a season besides the ledger"),
    Column("registered_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="the settings that there have been; the last are those that the files of seasons were computed by",
)

event = Table(
    "event",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("sequence", ForeignKey("field.sequence", ondelete="CASCADE"), nullable=False),
    Column("year", Integer, nullable=False, comment="of the season's plant date"),
    *(Column(name, Text, nullable=False) for name in ("policy", "kind", "season", "plant_type", "index")),
    *(Column(name, Date, nullable=False) for name in ("first_day", "last_day")),
    *(Column(name, Double) for name in ("value", "before", "change")),
    Column("evidence_days", ARRAY(Date), nullable=False),
    Column("evidence_fingerprints", ARRAY(Text), nullable=False),
    Column("status", Text, nullable=False),
    Column("was_open", Boolean, nullable=False, comment="now or ever; else it was over when it was found"),
    *(Column(name, DateTime(timezone=True), nullable=False) for name in ("opened_at", "changed_at")),
    Column("announced", Boolean, nullable=False, server_default="false", comment="consumers were told of this status"),
)
Index("event_by_field", event.c.sequence)
Index("event_by_change", event.c.changed_at)
Index("event_unannounced", event.c.event_id, postgresql_where=text("NOT announced"))

event_review = Table(
    "event_review",
    metadata,
    Column("event_id", ForeignKey("event.event_id", ondelete="CASCADE"), primary_key=True),
    Column("dismissed", Boolean, nullable=False),
    Column("note", Text),
    Column("reviewed_by", Text, nullable=False, comment="name of the user"),
    Column("reviewed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="what people last said of events",
)

published_day = Table(
    "published_day",
    metadata,
    Column("date", Date, primary_key=True),
    Column("sha256", Text, comment="of the day's file; null: it has none any more"),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("announced", Boolean, nullable=False, server_default="false"),
    comment="the days' files, and whether other DAGs were told of their last change",
)
Index("published_day_unannounced", published_day.c.date, postgresql_where=text("NOT announced"))

late_day = Table(
    "late_day",
    metadata,
    Column("date", Date, primary_key=True),
    Column("noticed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="days that were not published when their deadline passed",
)

failed_run = Table(
    "failed_run",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("what", Text, nullable=False, comment="the tasks that failed"),
    Column("failed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="runs that failed, with what failed first",
)

receiver = Table(
    "receiver",
    metadata,
    Column("name", Text, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    comment="who is told, and from when on",
)

told = Table(
    "told",
    metadata,
    Column("receiver", ForeignKey("receiver.name", ondelete="CASCADE"), primary_key=True),
    Column("subject", Text, primary_key=True, comment="id of an event, a day that was late, or a run"),
    Column("status", Text, nullable=False, comment="what was said of it; counted: it was not named"),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

OBSERVATION_COLUMNS = tuple(name for name in columns_of(Observation) if name != "field_id")
"""The columns of `observation` that an Observation fills; its field is found by `sequence`."""
