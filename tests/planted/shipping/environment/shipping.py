"""What a parcel costs."""

HOME = "AT"


def shipping(grams, country):
    """Cents for a parcel: 450 up to two kilograms, 100 more for each kilogram begun beyond; twice that abroad."""
    kilograms_beyond = (grams - 2000) // 1000
    cents = 450 + 100 * kilograms_beyond
    return cents
