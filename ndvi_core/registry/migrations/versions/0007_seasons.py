"""Seasons of a field: its crop and dates move from the field to a table of their own, as its first season.

Going back keeps the last season of each field, with its boundary as the newest. The crops and dates of the seasons
before it are lost; their rows stay in the ledger, and are not published any more, since they lie before the plant date
that is left.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "season",
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="given once for each field, never reused"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plant_type", sa.Text(), nullable=False),
        sa.Column("plant_date", sa.Date(), nullable=False),
        sa.Column(
            "end_date",
            sa.Date(),
            nullable=True,
            comment="the stated one, or the eve of the next season if that is earlier",
        ),
        sa.Column("stated_end", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False, comment="of the boundary that its days are computed for"),
        sa.Column("geometry_hash", sa.Text(), nullable=False, comment="of that boundary"),
        sa.Column("source", sa.Text(), nullable=False, comment="URI of the file that its values came from"),
        sa.Column(
            "registered_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
            comment="when an upload began it",
        ),
        sa.ForeignKeyConstraint(["sequence"], ["field.sequence"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sequence", "number"),
        comment="the seasons of each field, of which no two have a day in common",
    )
    op.execute(
        "INSERT INTO season (sequence, number, name, plant_type, plant_date, end_date, stated_end, revision,"
        " geometry_hash, source, registered_at)"
        " SELECT sequence, 1, to_char(plant_date, 'YYYY'), plant_type, plant_date, end_date, end_date, revision,"
        " geometry_hash, source, changed_at FROM field ORDER BY sequence"
    )
    op.add_column(
        "field",
        sa.Column(
            "seasons_given", sa.Integer(), server_default="1", nullable=False, comment="number of its newest season"
        ),
    )
    for name in ("plant_type", "plant_date", "end_date"):
        op.drop_column("field", name)


def downgrade() -> None:
    """The last season of each field stays; days that have rows of others are published anew, without them."""
    op.add_column("field", sa.Column("plant_type", sa.Text(), nullable=True))
    op.add_column("field", sa.Column("plant_date", sa.Date(), nullable=True))
    op.add_column("field", sa.Column("end_date", sa.Date(), nullable=True))
    op.execute(
        "UPDATE field SET plant_type = last.plant_type, plant_date = last.plant_date, end_date = last.end_date"
        " FROM (SELECT DISTINCT ON (sequence) * FROM season ORDER BY sequence, plant_date DESC) AS last"
        " WHERE last.sequence = field.sequence"
    )
    op.execute(
        "INSERT INTO stale_day SELECT DISTINCT observation.date FROM observation"
        " JOIN season ON season.sequence = observation.sequence AND observation.date >= season.plant_date"
        " AND observation.date <= coalesce(season.end_date, observation.date)"
        " JOIN field ON field.sequence = season.sequence AND field.plant_date <> season.plant_date"
        " ON CONFLICT DO NOTHING"
    )
    # The next boundary is numbered after that of the field: a newer one, of another season, would be in its place.
    op.execute(
        "WITH newest AS (SELECT sequence, max(revision) AS revision FROM field_revision GROUP BY sequence)"
        " UPDATE field SET revision = newest.revision + 1 FROM newest"
        " WHERE newest.sequence = field.sequence AND newest.revision > field.revision"
    )
    op.execute(
        "INSERT INTO field_revision (sequence, revision, geometry, geometry_hash, source)"
        " SELECT sequence, revision, geometry, geometry_hash, source FROM field ORDER BY sequence"
        " ON CONFLICT DO NOTHING"
    )
    op.alter_column("field", "plant_type", nullable=False)
    op.alter_column("field", "plant_date", nullable=False)
    op.drop_column("field", "seasons_given")
    op.drop_table("season")
