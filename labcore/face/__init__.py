"""What ``import labcore as lab`` gives: data sets, runs, models and evaluations as objects, for notebooks and scripts.

A thin face: it calls what the command line and the pages call, tells progress as the command line does, and works in the same workspace.
"""
