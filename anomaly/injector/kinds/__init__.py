"""Every kind of fault and innocent look-alike the injector knows, one family per file."""
