"""Extents as facts with a date; which cells a run is computing; where a field is, for finding its neighbours."""

import shapely
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_BOUNDS = ("west", "south", "east", "north")
_AT_ONCE = 10_000


def upgrade() -> None:
    op.create_table(
        "extent",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("bounds", sa.Text(), nullable=False, comment="west,south,east,north in degrees, WGS84"),
        sa.Column(
            "registered_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False
        ),
        sa.PrimaryKeyConstraint("number"),
        comment="the extents that there have been; the last is that of today",
    )
    op.add_column(
        "observation",
        sa.Column(
            "extent",
            sa.Text(),
            nullable=True,
            comment="null: computed before extents were registered, for the first of them",
        ),
    )
    op.create_table(
        "claim",
        sa.Column("run", sa.Text(), nullable=False, comment="prefix of the run's folder"),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("days", postgresql.ARRAY(sa.Date()), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["field.sequence"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "sequence"),
        comment="cells that a run is computing, which no other is to compute meanwhile",
    )
    op.create_index("claim_by_field", "claim", ["sequence"])
    for name in _BOUNDS:
        column: sa.Column[float] = sa.Column(
            name, sa.Double(), nullable=True, comment="bounds of the geometry, degrees"
        )
        op.add_column("field", column)
    _fill_in_bounds(op.get_bind())
    for name in _BOUNDS:
        op.alter_column("field", name, nullable=False)
    place = sa.text("box(point(west, south), point(east, north))")
    op.create_index("field_by_place", "field", [place], postgresql_using="gist")


def _fill_in_bounds(connection: sa.Connection) -> None:
    field = sa.table("field", sa.column("sequence"), sa.column("geometry"), *map(sa.column, _BOUNDS))
    sequence, after = field.c.sequence, -1
    known: dict[str, sa.BindParameter[float]] = {name: sa.bindparam(f"its_{name}") for name in _BOUNDS}
    while rows := connection.execute(
        sa.select(sequence, field.c.geometry).where(sequence > after).order_by(sequence).limit(_AT_ONCE)
    ).all():
        bounds = shapely.bounds(shapely.from_wkb([row.geometry for row in rows])).tolist()
        values = [
            {"number": row.sequence, **{f"its_{name}": edge for name, edge in zip(_BOUNDS, edges, strict=True)}}
            for row, edges in zip(rows, bounds, strict=True)
        ]
        connection.execute(sa.update(field).where(sequence == sa.bindparam("number")).values(known), values)
        after = rows[-1].sequence


def downgrade() -> None:
    op.drop_index("field_by_place", "field")
    for name in _BOUNDS:
        op.drop_column("field", name)
    op.drop_table("claim")
    op.drop_column("observation", "extent")
    op.drop_table("extent")
