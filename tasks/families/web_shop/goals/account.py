"""The account itself: phone, newsletter, an address more, another default, one fewer."""

from tasks.families._words import TOWNS
from tasks.families.web_shop.goals.goal import ADDRESSES, PROFILE, Goal, NoSuchGoal, Scene, signed_in, sql, subtask
from tasks.families.web_shop.people import make_address, make_phone
from tasks.families.web_shop.trip import YES, Step, click, fill, sign_in


def care_for_account(scene: Scene, is_midway: bool) -> Goal:
    rng, me = scene.rng, scene.me
    if len(me.addresses) < 3:
        raise NoSuchGoal
    used = {address["city"] for customer in scene.customers for address in customer.addresses}
    place = make_address(rng, rng.choice([town for town in TOWNS if town not in used]))
    phone, gone = make_phone(rng), rng.choice(me.addresses[1:])
    me_row = next(row for row in scene.tables["users"] if row["id"] == me.id)
    newsletter = 1 - me_row["newsletter"]
    new_text = f"{place['street']}, {place['postcode']} {place['city']}"
    words = (
        f"{me.name} asks you to bring the account up to date: the phone number is now {phone}, and the newsletter is "
        f"{'wanted' if newsletter else 'no longer wanted'}. Add the address {new_text} (the recipient stays "
        f"{me.name}) and "
        f"make it the default, and delete the one in {gone['city']}. Change nothing else; finish on the "
        "address book's page."
    )
    brief = (
        f"Phone {phone}; newsletter {'on' if newsletter else 'off'}; add {new_text} and make it the default; delete "
        f"{gone['city']}. End on the address book."
    )
    profile = sql(f"select name, phone, newsletter from users where id = {me.id}", [[me.name, phone, newsletter]])
    mine = f"from addresses where user_id = {me.id}"
    added = sql(
        f"select street, postcode, city {mine} and city = '{place['city']}'",
        [[place["street"], place["postcode"], place["city"]]],
    )
    kept = sorted(each["city"] for each in me.addresses if each is not gone)
    all_cities = sql(f"select city {mine} order by city", [[city] for city in sorted([*kept, place["city"]])])
    default = sql(f"select city {mine} and is_default", [[place["city"]]])
    rest = f"select name, street, postcode, city {mine} and city in {tuple(kept)} order by id"
    edit: list[Step] = [
        click("My account"),
        fill("Phone", phone),
        {"do": "check" if newsletter else "uncheck", "on": "Send me the newsletter"},
        click("Save profile"),
    ]
    subtasks = [signed_in(me)]
    done = ""
    if is_midway:
        me_row.update(phone=phone, newsletter=newsletter)
        done = "phone and newsletter are right"
        edit = [click("My account")]
    else:
        subtasks.append(subtask("the profile is right", profile))
    subtasks += [
        subtask("the address is added", added),
        subtask("it is the default", added, default, end=True),
        subtask("the other one is deleted, and no more", all_cities, profile, end=True),
        subtask("the address book is open", {"path": "/account/addresses"}, end=True),
    ]
    add: list[Step] = [
        click("Address book"),
        click("Add an address"),
        fill("Street and number", place["street"]),
        fill("Postcode", place["postcode"]),
        fill("City", place["city"]),
        click("Save address"),
    ]
    default_step = click("Make default", **{"in": place["street"]})
    start = sign_in(me)

    def delete(street: str) -> list[Step]:
        return [click("Delete", **{"in": street}), YES]

    other = next(each for each in me.addresses[1:] if each is not gone)
    misses = [
        [*start, *edit, *add, default_step, *delete(other["street"])],
        [*start, *edit, *add, *delete(gone["street"])],
    ]
    steps = [*start, *edit, *add, default_step, *delete(gone["street"])]
    return Goal(words, brief, subtasks, steps, misses, {PROFILE: None, ADDRESSES: rest}, done)
