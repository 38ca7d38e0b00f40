"""What the command line prints: words, tables, machine formats, progress."""
