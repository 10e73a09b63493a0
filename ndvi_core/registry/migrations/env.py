"""Alembic's entry: runs the migrations over the connection that `ndvi_core.registry.database.upgrade` hands it."""

from alembic import context

from ndvi_core.registry.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
