"""A search over chosen settings with Optuna: its trials are ordinary runs in the queue, judged on a validation fold, never on
the fold that is reported.

Optuna is loaded by what works with the journal alone: a server looks after the folders of searches without it.
"""
