"""Innocent explanations: a finding with one stays in the output, marked with its name."""
