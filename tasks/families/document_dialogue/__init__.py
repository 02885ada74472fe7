"""A dialogue about a document: find the passage that grounds the next answer, then answer (DialDoc)."""
