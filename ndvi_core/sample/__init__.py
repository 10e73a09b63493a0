"""A synthetic season to try the pipeline on."""
