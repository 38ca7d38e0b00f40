"""Detectors, one rule per file: `r01_register_rollback.py` holds rule R01 and nothing else."""
