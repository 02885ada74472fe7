"""Six methods of six trades. Each procedure has a step that is easily passed over; a slip is what comes out then."""

from collections import defaultdict
from collections.abc import Callable
from random import Random

from tasks.families import _words
from tasks.families.methodical_writing._case import Case, Finding, as_csv


def water_survey(rng: Random) -> Case:
    """Means by site, without the readings of a faulty probe."""
    limit = rng.choice([20, 25, 30])
    sites = rng.sample(_words.TOWNS, rng.randint(4, 6))
    rows, kept, all_ = [], defaultdict(list), defaultdict(list)
    for site in sites:
        level = rng.uniform(8, 40)
        for number in range(rng.randint(4, 7)):
            value = round(level + rng.uniform(-6, 6), 1)
            faulty = number > 1 and rng.random() < 0.25
            value = round(value * 3, 1) if faulty else value
            rows.append([site, f"2023-0{rng.randint(1, 9)}-{rng.randint(10, 28)}", value, "faulty" if faulty else "ok"])
            all_[site].append(value)
            if not faulty:
                kept[site].append(value)
    if any(map(_is_tie, kept.values())):
        return water_survey(rng)
    rng.shuffle(rows)
    means = {site: _mean(values) for site, values in kept.items()}
    hasty = {site: _mean(values) for site, values in all_.items()}
    highest = max(sites, key=lambda site: means[site])
    over = sum(mean > limit for mean in means.values())
    valid = sum(map(len, kept.values()))
    return Case(
        field="hydrology",
        objective=f"Report on nitrate in the springs and say which exceed the limit of {limit} mg/l.",
        procedure=(
            "Leave out every reading whose probe was faulty.",
            "Take the mean of the nitrate readings of each site, to one decimal.",
            f"Compare each mean with the limit of {limit} mg/l.",
        ),
        data_name="readings.csv",
        data=as_csv(["site", "date", "nitrate", "probe"], rows),
        sections=(
            ("Aim", "what the report is for"),
            ("Method", "what was measured and what was left out"),
            ("Results", "the valid readings, the highest mean and its site"),
            ("Assessment", "how many sites exceed the limit"),
        ),
        fixed={"Aim": "The springs of the district are checked for nitrate.", "Method": "Faulty probes were left out."},
        findings=(
            Finding("Results", "how many readings count", "{v} readings count.", str(valid), str(len(rows))),
            Finding("Results", "the site with the highest mean", "{v} is highest.", highest, _other(sites, highest)),
            Finding("Results", "the highest mean", "Its mean is {v} mg/l.", f"{means[highest]}", f"{hasty[highest]}"),
            Finding(
                "Assessment",
                "how many sites exceed the limit, as a number",
                "Sites over the limit: {v}.",
                str(over),
                str(over + 1),
            ),
        ),
    )


def incident_review(rng: Random) -> Case:
    """Duration from the first alarm of the failing service to its recovery; alarms of a drill do not count."""
    services = rng.sample(_words.COMPANY_STEMS, 4)
    failing, others = services[0], services[1:]
    start = rng.randint(6, 14) * 60 + rng.randint(0, 59)
    length = rng.randint(25, 140)
    drill = start - rng.randint(20, 50)
    rows = [
        [_clock(drill), failing, "alarm", "drill"],
        [_clock(start), failing, "alarm", ""],
        [_clock(start + length), failing, "recovered", ""],
    ]
    hit = rng.sample(others, rng.randint(1, 3))
    for service in hit:
        at = start + rng.randint(2, 15)
        rows += [[_clock(at), service, "alarm", ""], [_clock(at + rng.randint(3, 9)), service, "recovered", ""]]
    rows.sort()
    return Case(
        field="operations",
        objective="Write the review of the outage so that the team can learn from it.",
        procedure=(
            "Ignore whatever is marked as a drill.",
            "The outage begins with the first alarm and belongs to the service that raised it.",
            "It ends when that service has recovered. Give its length in minutes.",
            "Count the other services that raised an alarm.",
        ),
        data_name="log.csv",
        data=as_csv(["time", "service", "event", "note"], rows),
        sections=(
            ("Summary", "the service and the length of the outage"),
            ("Timeline", "its beginning and its end, as HH:MM"),
            ("Impact", "how many other services were hit"),
            ("Next steps", "what is to be done"),
        ),
        fixed={"Next steps": "The alarm rules are reviewed with the team."},
        findings=(
            Finding("Summary", "the service that failed", "{v} failed.", failing, hit[0]),
            Finding(
                "Summary", "the length in minutes", "It took {v} minutes.", str(length), str(start + length - drill)
            ),
            Finding("Timeline", "when it began", "It began at {v}.", _clock(start), _clock(drill)),
            Finding(
                "Timeline", "when it ended", "It ended at {v}.", _clock(start + length), _clock(start + length + 5)
            ),
            Finding("Impact", "other services hit, as a number", "Others hit: {v}.", str(len(hit)), str(len(hit) + 1)),
        ),
    )


def reading_study(rng: Random) -> Case:
    """Gains of pupils who took both tests; whoever missed one is left out."""
    pupils = _words.people(rng, rng.randint(9, 14))
    rows: list[list[object]] = []
    gains: dict[str, int] = {}
    for pupil in pupils:
        before = rng.randint(20, 60)
        after = before + rng.randint(-4, 25)
        if len(gains) > 4 and rng.random() < 0.25:
            rows.append([pupil, before, ""])
        else:
            gains[pupil] = after - before
            rows.append([pupil, before, after])
    best = max(gains.values())
    if list(gains.values()).count(best) > 1 or _is_tie(list(gains.values())):
        return reading_study(rng)
    top = next(pupil for pupil, gain in gains.items() if gain == best)
    hasty = round(sum(gains.values()) / len(pupils), 1)
    weak = sum(gain < 5 for gain in gains.values())
    return Case(
        field="education",
        objective="Assess whether the reading course helped the class.",
        procedure=(
            "Pupils who missed a test are left out.",
            "The gain is the second score less the first.",
            "Give the mean gain of those who took both tests, to one decimal.",
            "A gain below 5 points counts as no clear gain.",
        ),
        data_name="scores.csv",
        data=as_csv(["pupil", "first", "second"], rows),
        sections=(
            ("Question", "what was to be found out"),
            ("Sample", "how many pupils took both tests"),
            ("Results", "the mean gain, the largest gain and whose it is"),
            ("Limits", "pupils without clear gain"),
        ),
        fixed={"Question": "Did the reading course help?"},
        findings=(
            Finding("Sample", "pupils who took both tests", "{v} took both.", str(len(gains)), str(len(pupils))),
            Finding("Results", "the mean gain", "The mean gain is {v}.", f"{_mean(list(gains.values()))}", f"{hasty}"),
            Finding("Results", "the largest gain", "The largest gain is {v} points.", str(best), str(best + 1)),
            Finding("Results", "whose gain it is", "It is that of {v}.", top, _other(pupils, top)),
            Finding("Limits", "pupils without clear gain", "Without clear gain: {v}.", str(weak), str(weak + 1)),
        ),
    )


def stock_review(rng: Random) -> Case:
    """What has to be ordered again; what is on its way counts as stock."""
    items = rng.sample(_words.NOUNS, rng.randint(7, 11))
    rows, orders, hasty = [], {}, 0
    for item in items:
        least, stock = rng.randint(10, 40), rng.randint(2, 60)
        coming = rng.choice([0, 0, rng.randint(5, 30)])
        price = rng.randint(2, 30)
        rows.append([item, stock, coming, least, price])
        if stock + coming < least:
            orders[item] = (least - stock - coming) * price
        hasty += max(0, least - stock) * price
    if not orders or sum(orders.values()) == hasty:
        return stock_review(rng)
    dearest = max(sorted(orders), key=lambda item: orders[item])
    if list(orders.values()).count(orders[dearest]) > 1:
        return stock_review(rng)
    return Case(
        field="logistics",
        objective="Prepare the order for the store room.",
        procedure=(
            "What is on its way counts as stock.",
            "An item below its least stock is filled up to it, and not beyond.",
            "The cost of an item is the missing number times its price.",
        ),
        data_name="stock.csv",
        data=as_csv(["item", "stock", "on_its_way", "least", "price"], rows),
        sections=(
            ("Purpose", "why the order is placed"),
            ("Order", "how many items are ordered and the total cost"),
            ("Largest position", "the item with the highest cost, and this cost"),
        ),
        fixed={"Purpose": "The store room is to be filled up."},
        findings=(
            Finding("Order", "items ordered", "Items ordered: {v}.", str(len(orders)), str(len(orders) + 1)),
            Finding("Order", "the total cost", "In all it costs {v}.", str(sum(orders.values())), str(hasty)),
            Finding("Largest position", "the item", "It is the {v}.", dearest, _other(items, dearest)),
            Finding("Largest position", "its cost", "It costs {v}.", str(orders[dearest]), str(orders[dearest] + 1)),
        ),
    )


def maintenance_plan(rng: Random) -> Case:
    """Which machines are overdue; those out of use are not."""
    names = [f"{stem} {at}" for at, stem in enumerate(rng.sample(_words.COMPANY_STEMS, rng.randint(6, 9)), start=1)]
    rows, overdue, hasty = [], {}, 0
    for name in names:
        limit, hours = rng.choice([250, 500, 750]), rng.randint(100, 1100)
        idle = rng.random() < 0.25
        rows.append([name, hours, limit, "no" if idle else "yes"])
        if hours > limit:
            hasty += 1
            if not idle:
                overdue[name] = hours - limit
    if not overdue or hasty == len(overdue) or len(set(overdue.values())) != len(overdue):
        return maintenance_plan(rng)
    worst = max(overdue, key=lambda name: overdue[name])
    return Case(
        field="engineering",
        objective="Plan the service of the machines for next month.",
        procedure=(
            "Machines that are not in use need no service.",
            "A machine is overdue when its hours since the last service exceed its limit.",
            "Order them by the hours over the limit; the first comes first.",
        ),
        data_name="machines.csv",
        data=as_csv(["machine", "hours", "limit", "in_use"], rows),
        sections=(
            ("Scope", "what the plan covers"),
            ("Overdue", "how many machines are overdue"),
            ("First", "the machine to start with, and its hours over the limit"),
        ),
        fixed={"Scope": "The plan covers all machines in use."},
        findings=(
            Finding("Overdue", "overdue machines", "Overdue: {v}.", str(len(overdue)), str(hasty)),
            Finding("First", "the machine", "Start with {v}.", worst, _other(names, worst)),
            Finding("First", "its hours over", "It is {v} hours over.", str(overdue[worst]), str(overdue[worst] + 10)),
        ),
    )


def energy_audit(rng: Random) -> Case:
    """Use by area: the largest user is not the worst one."""
    houses = rng.sample(_words.STREETS, rng.randint(4, 6))
    rows, total, area_of = [], {}, {}
    for house in houses:
        area_of[house] = rng.randint(8, 40) * 50
        use = [rng.randint(1500, 9000) for _ in range(3)]
        total[house] = sum(use)
        rows += [[f"{house} House", month, kwh, area_of[house]] for month, kwh in zip(_words.MONTHS, use, strict=False)]
    by_area = {house: round(total[house] / area_of[house], 1) for house in houses}
    worst, largest = max(houses, key=lambda h: by_area[h]), max(houses, key=lambda h: total[h])
    is_tie = any(_is_tie([total[house] / area_of[house]]) for house in houses)
    if is_tie or worst == largest or list(by_area.values()).count(by_area[worst]) > 1:
        return energy_audit(rng)
    return Case(
        field="building services",
        objective="Find the house whose heating should be renewed first.",
        procedure=(
            "Add up the months of each house.",
            "Divide by the area of the house, in kWh for each square metre, to one decimal.",
            "The house with the highest value comes first, however small it is.",
        ),
        data_name="meters.csv",
        data=as_csv(["house", "month", "kwh", "area_m2"], rows),
        sections=(
            ("Question", "what is to be decided"),
            ("Figures", "the use of all houses together in kWh, and the highest value by area"),
            ("Recommendation", "the house that comes first"),
        ),
        fixed={"Question": "Which house is renewed first?"},
        findings=(
            Finding(
                "Figures",
                "the sum of all houses",
                "Together they used {v} kWh.",
                str(sum(total.values())),
                str(total[largest]),
            ),
            Finding("Figures", "the highest value", "It is {v}.", f"{by_area[worst]}", f"{by_area[largest]}"),
            Finding("Recommendation", "the house", "Begin with {v}.", f"{worst} House", f"{largest} House"),
        ),
    )


METHODS: dict[str, Callable[[Random], Case]] = {
    "water_survey": water_survey,
    "incident_review": incident_review,
    "reading_study": reading_study,
    "stock_review": stock_review,
    "maintenance_plan": maintenance_plan,
    "energy_audit": energy_audit,
}


def _mean(values: list[float] | list[int]) -> float:
    return round(sum(values) / len(values), 1)


def _is_tie(values: list[float] | list[int]) -> bool:
    """True where rounding to one decimal could go either way; then no one could say what is right."""
    return abs((sum(values) / len(values) * 10) % 1 - 0.5) < 1e-6


def _other(names: list[str], name: str) -> str:
    return next(each for each in names if each != name)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
