"""A small web shop with a workshop to book: what the service `server.py` is made of.

A sandbox starts one file, so these modules travel in the service's data and use the standard library only.
"""

MODULES = (
    "database",
    "routing",
    "markup",
    "static",
    "catalogue",
    "cart",
    "checkout",
    "account",
    "orders",
    "workshop",
    "serving",
)
