"""Is this machine's GPU usable, and if not, why not and what to do: checks with evidence, and proofs by computing.

:func:`examine` looks; :func:`conclude` draws the conclusions from what was read and nothing else.
"""

from labcore.doctor.examination import examine
from labcore.doctor.readings import Readings
from labcore.doctor.report import Check, DoctorReport, Proof
from labcore.doctor.verdict import conclude

__all__ = ["Check", "DoctorReport", "Proof", "Readings", "conclude", "examine"]
