"""What a run is about, its plan, its files, and how its results are recorded."""
