"""Evidence pages, task sheets and work lists: what people read, print and fill in."""
