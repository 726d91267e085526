"""The clips of a data set to be looked through: as a table, with what was measured of each, as thumbnails, on a map."""
