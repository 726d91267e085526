"""Is this machine's GPU usable, and if not, why not and what to do: checks with evidence, and proofs by computing.

:func:`labcore.doctor.examination.examine` looks; :func:`labcore.doctor.verdict.conclude` draws the conclusions from what was read and
nothing else.
"""
