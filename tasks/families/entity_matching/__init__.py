"""Which pairs of records tell of the same thing."""
