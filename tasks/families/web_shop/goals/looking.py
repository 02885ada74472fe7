"""Looking closely: products side by side, and an appointment among many."""

from tasks.families.web_shop.goals.goal import (
    APPOINTMENTS,
    CART,
    Goal,
    NoSuchGoal,
    Scene,
    in_cart,
    signed_in,
    sql,
    subtask,
)
from tasks.families.web_shop.stock import Product
from tasks.families.web_shop.trip import YES, Step, add_to_cart, choose, click, fill, open_product, sign_in


def compare_and_choose(scene: Scene, is_midway: bool) -> Goal:
    """The three best-rated of a kind below a price are compared; that with the most of something goes into the cart."""
    rng, me = scene.rng, scene.me
    kind = rng.choice(scene.products).kind
    products = [each for each in scene.products if each.kind is kind]
    ceiling = sorted(each.cents for each in products)[rng.choice((3, 4, 5))] // 100 + 1
    below = sorted((each for each in products if each.cents <= ceiling * 100), key=lambda each: -each.rating)
    best = below[:3]
    ranked = {name: values for name, values in kind.attributes.items() if len(values) == 4}
    name = rng.choice(sorted(ranked))

    def rank(product: Product) -> int:
        return ranked[name].index(product.attributes[name])

    most = max(best, key=rank)
    if sum(rank(each) == rank(most) for each in best) > 1 or not most.variants or len(below) < 4:
        raise NoSuchGoal
    colours = sorted(colour for colour, (_, stock) in most.variants.items() if stock >= 2)
    if not colours:
        raise NoSuchGoal
    colour, quantity = rng.choice(colours), rng.randint(1, 2)
    what = {"Keys": "the most keys", "Settings": "the most settings"}.get(name, f'the highest "{name}"')
    words = (
        f"{me.name} is looking for one of the {kind.plural}. Sign in, and put the three best-rated "
        f"{kind.plural} that cost "
        f"no more than € {ceiling} into the comparison, and no others. Then put {quantity} of that one of the "
        "three with "
        f"{what} into the cart, in {colour}. Order nothing: finish on the page of the cart."
    )
    brief = (
        f"Signed in: compare the 3 best-rated {kind.plural} <= € {ceiling}; put {quantity} x the one with "
        f"{what}, {colour}, "
        "into the cart. Order nothing. End on the cart's page."
    )
    compared = f"select product_id from compared where owner = 'user {me.id}' order by product_id"
    right = sql(compared, [[each.id] for each in sorted(best, key=lambda each: each.id)])
    wanted = [(most.variants[colour][0], quantity)]
    subtasks = [signed_in(me)]
    to_compare = [step for each in best for step in (*open_product(each), click("Add to comparison"))]
    done = ""
    if is_midway:
        scene.tables["compared"] = [{"owner": f"user {me.id}", "product_id": each.id} for each in best]
        done = "the three are in the comparison"
        to_compare = []
    else:
        subtasks.append(subtask("the right three are compared", right))
    subtasks += [
        subtask("the right one is in the cart", in_cart(me, wanted), right, end=True),
        subtask("the cart is open", {"path": "/cart"}, end=True),
    ]
    wrong = next(each for each in best if each is not most)
    misses = [[*sign_in(me), *to_compare, *add_to_cart(most, colour, 3 - quantity)]]
    if in_stock := next((each for each, (_, stock) in wrong.variants.items() if stock >= quantity), None):
        misses.append([*sign_in(me), *to_compare, *add_to_cart(wrong, in_stock, quantity)])
    steps: list[Step] = [*sign_in(me), *to_compare, *add_to_cart(most, colour, quantity)]
    return Goal(words, brief, subtasks, steps, misses, {CART: None}, done)


def move_appointment(scene: Scene, is_midway: bool) -> Goal:
    """A booked appointment is given up for the first free one that fits."""
    rng, me = scene.rng, scene.me
    slots = scene.tables["slots"]
    old = rng.choice(slots)
    service, place = old["service"], rng.choice(sorted({slot["place"] for slot in slots}))
    after = rng.choice(sorted({slot["day"] for slot in slots})[:5])
    is_late = rng.random() < 0.5
    old["is_taken"] = 1
    scene.tables["bookings"] = [
        {"id": 71, "user_id": me.id, "slot_id": old["id"], "note": "", "status": "booked"},
        {"id": 72, "user_id": me.id % 4 + 1, "slot_id": _other(scene, old["id"]), "note": "", "status": "booked"},
    ]
    fitting = [
        slot
        for slot in slots
        if slot["service"] == service and slot["place"] == place and slot["day"] >= after
        and (slot["time"] >= "13:00" or not is_late)
    ]  # fmt: skip
    free = sorted((slot for slot in fitting if not slot["is_taken"]), key=lambda slot: (slot["day"], slot["time"]))
    if len(free) < 2 or free[0]["id"] == min(fitting, key=lambda slot: (slot["day"], slot["time"]))["id"]:
        raise NoSuchGoal
    best, second = free[:2]
    note = f"Please call {me.phone}"
    when = f"{'in the afternoon (13:00 or later), ' if is_late else ''}on {after} or later"
    words = (
        f'{me.name} has an appointment for "{service}" in the workshop on {old["day"]} at {old["time"]} and '
        "cannot come. "
        f'Cancel it, and book the first free appointment for "{service}" in {place} that is {when}, with this '
        "note for the "
        f'workshop: "{note}". Finish on the page with the bookings.'
    )
    brief = (
        f'Cancel the "{service}" appointment; book the first free one in {place} {when}; note "{note}". '
        "End on the bookings."
    )
    cancelled = sql("select status from bookings where id = 71", "cancelled")
    booked = "select b.user_id, b.slot_id from bookings b where b.id > 72 and b.status = 'booked'"
    cancel = [click("My bookings"), click("Cancel", **{"in": old["time"]}), YES]
    subtasks = [signed_in(me)]
    done = ""
    if is_midway:
        scene.tables["bookings"][0]["status"] = "cancelled"
        old["is_taken"] = 0
        if old in fitting and (old["day"], old["time"]) < (best["day"], best["time"]):
            raise NoSuchGoal
        done = "the old appointment is cancelled"
        cancel = []
    else:
        if old in fitting:
            raise NoSuchGoal
        subtasks.append(subtask("the old appointment is cancelled", cancelled))
    subtasks += [
        subtask("the first that fits is booked, and no other", sql(booked, [[me.id, best["id"]]]), cancelled, end=True),
        subtask(
            "with the note", sql("select note from bookings where id > 72 and status = 'booked'", [[note]]), end=True
        ),
        subtask("the bookings are open", {"path": "/bookings"}, end=True),
    ]

    def book(slot: dict[str, object], text: str) -> list[Step]:
        return [
            click("Workshop"),
            choose("Service", service),
            choose("Place", place),
            choose("Day", str(slot["day"])),
            click("Show appointments"),
            click("Book", **{"in": str(slot["time"])}),
            fill("Note for the workshop", text),
            click("Book this appointment"),
            YES,
        ]

    start = sign_in(me)
    misses = [[*start, *cancel, *book(second, note)], [*start, *cancel, *book(best, "Please call")]]
    keep = "select * from bookings where id = 72"
    return Goal(words, brief, subtasks, [*start, *cancel, *book(best, note)], misses, {APPOINTMENTS: keep}, done)


def _other(scene: Scene, number: int) -> int:
    """A taken appointment that is somebody else's."""
    return int(next(slot["id"] for slot in scene.tables["slots"] if slot["is_taken"] and slot["id"] != number))
