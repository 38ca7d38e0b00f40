"""The rulebook: numbers, causes, checks and sentences as TOML a supervisor can read, and one strict loader.

Numbers and texts live in `standard/`; a utility keeps only its differences, see `overlays/example.toml`.
"""
