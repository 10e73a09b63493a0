"""From the pixels of a pass to the observation of each field."""
