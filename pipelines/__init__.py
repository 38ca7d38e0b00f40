"""Composition: the only floor that knows files, databases, the clock and other machines."""
