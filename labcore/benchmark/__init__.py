"""The comparison of CPU and GPU: what is measured, how it is kept, what it means.

``cases`` (what one measurement is), ``plan`` (which are taken), ``events``, ``report`` and ``job`` (how they are told and
kept), ``analysis`` and ``summary`` (speed-up, crossover, sentences), ``article`` (the figures that the lab answers) need no
torch. ``run`` measures and loads it.
"""
