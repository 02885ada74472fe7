"""API calling: a generated service of many resources, and what somebody wants done with it (API-BLEND)."""
