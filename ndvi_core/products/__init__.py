"""The files of each field and day besides its row: rasters, pictures, documents."""
