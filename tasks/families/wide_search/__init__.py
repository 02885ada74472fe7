"""Wide search: a whole table to be collected from a site that must be crawled (WideSearch)."""
