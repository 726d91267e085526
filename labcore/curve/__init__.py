"""Learning curves: the accuracy of a recipe by the number of training recordings per class, beside a nearest-centroid baseline."""
