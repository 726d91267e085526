"""Figures that pages share."""
