"""Towns made from real series: registers, curves and files that agree; faults with the truth beside."""
