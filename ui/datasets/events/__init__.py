"""Time-stamped annotations on the page of data sets: seen, heard, edited, cut into windows, written out."""
