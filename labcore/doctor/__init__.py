"""Is this machine's GPU usable, and if not, why not and what to do: checks with evidence, and proofs by computing."""

from labcore.doctor.readings import Readings
from labcore.doctor.report import Check, Proof, Report

__all__ = ["Check", "Proof", "Readings", "Report"]
