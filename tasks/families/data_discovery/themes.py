"""What a data set can be about: who was looked at, by which groups, and what was measured.

A quantity is `name unit low high`; the first one of a theme is what is to be explained. Names are plain words, so that
nothing known about the world tells which of them acts on which: the workflow that is drawn does.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """`low` and `high`: between which most values lie, in `unit`."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Theme:
    name: str
    plural: str
    groups: dict[str, tuple[str, ...]]
    target: Quantity
    quantities: tuple[Quantity, ...]


def _theme(name: str, plural: str, groups: str, target: str, quantities: str) -> Theme:
    split = {key: tuple(values.split("|")) for key, _, values in (each.partition(":") for each in groups.split())}
    return Theme(name, plural, split, _quantity(target), tuple(_quantity(line) for line in quantities.split(",")))


def _quantity(text: str) -> Quantity:
    name, unit, low, high = text.split()
    return Quantity(name, unit.replace("_", " "), float(low), float(high))


THEMES: tuple[Theme, ...] = (
    _theme(
        "greenhouse trials",
        "plots",
        "soil:clay|loam|sand|peat variety:amber|bramble|cobalt|dawn|ember shelter:open|mesh|glass",
        "harvest kg 20 90",
        "watering litres 40 220, nitrogen g 10 80, light_hours h 4 14, seed_depth mm 8 45, plant_spacing cm 10 60, "
        "compost kg 2 30, leaf_count leaves 20 160, soil_warmth degrees_C 8 26",
    ),
    _theme(
        "lake surveys",
        "samples",
        "basin:north|east|south|west bed:gravel|mud|rock season:spring|summer|autumn|winter",
        "clarity cm 40 420",
        "depth m 2 40, phosphate ug/l 4 90, inflow m3/h 10 300, shore_length km 1 25, boat_trips per_week 1 60, "
        "reed_cover percent 2 70, carbonate mg/l 20 180, fish_catch kg 4 90",
    ),
    _theme(
        "bakeries",
        "shops",
        "district:harbour|market|station|hill oven:brick|deck|rack chain:own|group|franchise",
        "daily_revenue EUR 300 2600",
        "floor_area m2 20 160, staff_hours h 8 90, product_lines lines 10 80, rent EUR 400 4000, "
        "flyers per_week 5 400, "
        "opening_hours h 5 14, distance_to_stop m 20 900, flour_stock kg 50 800",
    ),
    _theme(
        "call centres",
        "teams",
        "site:alder|birch|cedar|dogwood channel:phone|chat|mail shift:early|late|night",
        "satisfaction points 30 95",
        "wait_time s 10 300, training_hours h 5 90, team_size people 4 40, calls per_day 40 420, "
        "script_length words 40 500, "
        "screen_count screens 1 20, break_minutes min 10 70, tenure months 2 90",
    ),
    _theme(
        "bridges",
        "spans",
        "design:arch|beam|truss|cable coating:zinc|epoxy|none climate:coastal|inland|alpine",
        "corrosion um 20 320",
        "traffic per_day 200 9000, salt kg 4 90, span_length m 10 220, rainfall mm 200 1900, "
        "steel_grade MPa 200 600, "
        "deck_width m 4 26, frost_days days 2 120, inspections per_decade 1 30",
    ),
    _theme(
        "running clubs",
        "runners",
        "surface:track|road|trail coach:group|single|online level:novice|club|elite",
        "race_time min 30 95",
        "weekly_distance km 10 110, sleep_hours h 5 9.5, resting_pulse bpm 42 80, hill_share percent 2 60, "
        "shoe_weight g 150 380, "
        "protein g 40 180, stretching min 5 90, race_count races 1 30",
    ),
    _theme(
        "libraries",
        "branches",
        "area:centre|suburb|village lender:city|county|school building:new|restored|shared",
        "loans per_day 30 800",
        "shelf_length m 50 900, new_titles per_month 5 240, seats seats 6 140, event_hours h 1 40, "
        "bus_lines lines 1 14, "
        "computers machines 2 60, volunteers people 1 40, window_area m2 5 120",
    ),
    _theme(
        "solar farms",
        "arrays",
        "panel:thin|mono|poly mount:fixed|tilt|track owner:town|coop|utility",
        "output MWh 20 240",
        "array_area m2 200 9000, dust g/m2 1 40, irradiance W/m2 120 900, wind_speed m/s 1 16, "
        "cable_length m 50 1900, "
        "cleaning per_year 1 26, inverter_age months 2 160, air_warmth degrees_C 2 38",
    ),
    _theme(
        "dairy herds",
        "herds",
        "breed:brown|pied|black|dun feed:grass|silage|grain housing:stall|barn|pasture",
        "milk l 12 45",
        "fodder kg 8 40, walking km 0.5 9, herd_size cows 10 220, barn_warmth degrees_C 2 28, salt_lick g 10 90, "
        "water l 30 150, vet_visits per_year 1 20, day_length h 7 17",
    ),
    _theme(
        "web shops",
        "campaigns",
        "channel:search|mail|social|print device:phone|tablet|desktop segment:new|returning|club",
        "orders per_week 20 900",
        "ad_spend EUR 50 4000, page_load ms 200 4000, discount percent 1 40, photo_count photos 2 60, "
        "stock_depth units 10 900, "
        "text_length words 20 900, delivery_days days 1 12, review_count reviews 2 400",
    ),
    _theme(
        "kilns",
        "firings",
        "clay:red|white|stone fuel:gas|wood|electric glaze:matt|clear|ash",
        "hardness HV 120 720",
        "peak_heat degrees_C 850 1320, hold_time min 10 180, moisture percent 1 18, stack_height cm 20 190, "
        "draught Pa 2 40, "
        "cooling_rate K/h 20 240, grain_size um 10 400, load_mass kg 20 400",
    ),
    _theme(
        "language courses",
        "learners",
        "format:evening|intensive|online language:auric|belen|cordic|dorian school:east|west|central",
        "test_score points 20 98",
        "homework h 1 14, class_size people 4 30, reading_pages pages 5 300, speaking_minutes min 5 240, "
        "vocabulary_cards cards 20 900, "
        "absence days 1 20, teacher_years years 1 30, song_minutes min 2 120",
    ),
)
