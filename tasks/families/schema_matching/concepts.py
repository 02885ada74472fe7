"""What two systems may both keep about the same things, under other names and in other forms."""

import random
from dataclasses import dataclass

from tasks.families import _words as words


@dataclass(frozen=True)
class Concept:
    """`names`: what systems call it. `kind` says how values are drawn and written; `low` and `high` bound numbers.

    `levels` are the values of a category.
    """

    names: tuple[str, ...]
    kind: str
    low: float = 0
    high: float = 0
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Theme:
    """The first concept tells the things apart; those with the same kind are easily confused."""

    name: str
    concepts: tuple[Concept, ...]


def _theme(name: str, lines: str) -> Theme:
    return Theme(name, tuple(_concept(line) for line in lines.strip().splitlines()))


def _concept(line: str) -> Concept:
    """`kind [low high | level,level] : name name name`."""
    head, _, names = line.partition(":")
    kind, *more = head.split()
    if kind == "level":
        return Concept(tuple(names.split()), kind, levels=tuple(more[0].split(",")))
    low, high = (float(more[0]), float(more[1])) if more else (0.0, 0.0)
    return Concept(tuple(names.split()), kind, low, high)


THEMES: tuple[Theme, ...] = (
    _theme(
        "customers",
        """
        code : customer_no client_id account_ref
        person : contact full_name buyer
        town : billing_town invoice_city payer_place
        town : shipping_town delivery_city destination
        phone : home_phone private_tel landline
        phone : work_phone office_tel business_line
        date : first_order joined_on customer_since
        date : last_order most_recent_purchase latest_sale
        money 50 9000 : turnover revenue_total lifetime_value
        money 0 900 : balance open_amount outstanding
        flag : newsletter wants_mail subscribed
        flag : blocked on_hold suspended
        level gold,silver,bronze,basic : tier loyalty_class rank
        count 1 90 : orders purchases number_of_sales
        """,
    ),
    _theme(
        "parts",
        """
        code : part_no article sku
        product : description label item_text
        length 4 190 : width breadth across
        length 4 190 : height tall_side elevation
        length 4 190 : depth front_to_back reach
        weight 1 60 : net_weight weight_bare own_mass
        weight 1 90 : shipping_weight packed_weight gross_mass
        money 2 400 : cost_price purchase_price buying_cost
        money 5 900 : list_price retail sales_price
        count 0 400 : in_stock on_hand units_available
        count 1 60 : reorder_level minimum_stock safety_quantity
        level steel,brass,nylon,oak : material made_of substance
        flag : discontinued phased_out end_of_life
        date : introduced launch_date first_sold
        company : supplier vendor source_firm
        """,
    ),
    _theme(
        "employees",
        """
        code : personnel_no staff_id worker_ref
        person : employee name staff_member
        person : supervisor manager reports_to
        date : birth_date born date_of_birth
        date : hired start_of_work entry_date
        town : residence home_city lives_in
        town : work_site office_city location
        money 1800 9000 : salary monthly_pay wage
        money 0 2500 : bonus premium extra_pay
        count 0 30 : vacation_days leave_balance holidays_left
        count 0 30 : sick_days absence_days days_ill
        level junior,senior,lead,head : grade seniority career_level
        flag : part_time reduced_hours not_full_time
        flag : remote works_from_home telework
        phone : phone telephone contact_number
        """,
    ),
    _theme(
        "houses",
        """
        code : listing object_no property_id
        address : address street_line where
        town : town municipality place
        count 30 400 : floor_area living_space square_metres
        count 90 2000 : plot_area land_size ground
        count 1 9 : rooms number_of_rooms chambers
        count 1 4 : floors storeys levels
        money 60000 900000 : asking_price offer price_wanted
        money 40000 800000 : valuation estimate appraised_value
        date : listed_on published offered_since
        date : renovated last_works modernised_on
        level gas,oil,heat-pump,wood : heating heat_source warmth_by
        flag : garage car_shelter indoor_parking
        flag : garden green_space outdoor_area
        person : agent broker sold_by
        """,
    ),
    _theme(
        "parcels",
        """
        code : parcel tracking_no consignment
        person : sender shipper from_person
        person : recipient addressee to_person
        town : origin sent_from pickup_place
        town : target_town sent_to drop_place
        date : posted handed_in dispatch_day
        date : delivered arrived received_on
        weight 1 40 : weight mass load
        length 5 120 : longest_side length extent
        length 5 90 : girth around waist
        money 3 90 : postage fee carriage
        money 0 900 : insured_value cover declared_worth
        flag : fragile handle_with_care breakable
        flag : express priority fast_lane
        level van,rail,ship,plane : carried_by transport means
        """,
    ),
)


def draw_value(rng: random.Random, concept: Concept) -> str:
    """A value in its plain form."""
    match concept.kind:
        case "code":
            return f"{rng.choice('ABCDEFGHKLMNPRSTVWXZ')}{rng.choice('ABCDEFGHKLMNPRSTVWXZ')}-{rng.randint(1000, 9999)}"
        case "person":
            return words.person(rng)
        case "town":
            return rng.choice(words.TOWNS)
        case "company":
            return words.company(rng)
        case "product":
            return words.product(rng)
        case "address":
            return words.address(rng)
        case "phone":
            return words.phone(rng)
        case "date":
            return words.date(rng, 1998, 2024)
        case "flag":
            return rng.choice(("yes", "no"))
        case "level":
            return rng.choice(concept.levels)
        case "money":
            return f"{rng.uniform(concept.low, concept.high):.2f}"
        case "count":
            return str(rng.randint(int(concept.low), int(concept.high)))
        case _:
            return f"{rng.uniform(concept.low, concept.high):.1f}"
