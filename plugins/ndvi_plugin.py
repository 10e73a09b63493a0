"""The plugin for an Airflow that has this folder but not the package installed; else the package's entry point has it.

A plugin that is found in both ways would be listed with an import error for the second.
"""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="ndvi"):
    from ndvi_airflow.plugin import NdviPlugin as NdviPlugin
