"""What is wrong with the clips of a data set: measured once a clip, kept, and judged whenever somebody asks."""
