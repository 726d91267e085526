"""Jobs that consist of runs of their own and look after them: each run is the same recipe with one thing changed."""
