"""Buying: what fits best under several conditions; a given thing with the coupon that saves most."""

from tasks.families.web_shop.goals.goal import (
    AN_ORDER,
    Goal,
    NoSuchGoal,
    Scene,
    in_cart,
    new_order,
    new_order_has,
    order_is_open,
    signed_in,
    sql,
    subtask,
)
from tasks.families.web_shop.people import DELIVERIES, PAYMENTS
from tasks.families.web_shop.stock import Product
from tasks.families.web_shop.trip import DELIVERY_NAMES, PAYMENT_NAMES, add_to_cart, check_out, click, fill, sign_in

FINISH = "Stay on the page of the new order when you are done."


def buy_best_fit(scene: Scene, is_midway: bool) -> Goal:
    """The cheapest of a kind that has a property, a rating and enough in stock of a colour; a cheaper one fails one."""
    rng, me = scene.rng, scene.me
    kind = rng.choice(scene.products).kind
    products = sorted((each for each in scene.products if each.kind is kind), key=lambda each: each.cents)
    name = rng.choice(sorted(kind.attributes))
    value = rng.choice(products).attributes[name]
    least = rng.choice((28, 30, 33, 35, 38)) / 10
    quantity = rng.randint(1, 4)

    def fits(each: Product) -> bool:
        in_stock = any(stock >= quantity for _, stock in each.variants.values())
        return each.attributes[name] == value and each.rating >= least and in_stock

    fitting = [each for each in products if fits(each)]
    if len(fitting) < 2 or fitting[0] is products[0]:
        raise NoSuchGoal
    best = fitting[0]
    colour = rng.choice(sorted(colour for colour, (_, stock) in best.variants.items() if stock >= quantity))
    cheaper = [each for each in products if each.cents < best.cents]
    if any(fits(each) and each.variants.get(colour, (0, 0))[1] >= quantity for each in cheaper):
        raise NoSuchGoal
    address = rng.choice(me.addresses[1:])
    delivery, payment = rng.choice(DELIVERIES), rng.choice(PAYMENTS)
    wanted = [(best.variants[colour][0], quantity)]
    conditions = (
        f'"{name}" is "{value}", its rating is {least} or better, and {quantity} of it in {colour} can be had at once'
    )
    words = (
        f"{me.name} wants {quantity} x the cheapest {kind.noun} that meets all of this: {conditions}. "
        f"Order {'it' if quantity == 1 else 'them'} in {colour}, to the address in {address['city']}, by "
        f'"{DELIVERY_NAMES[delivery]}", to be paid by "{PAYMENT_NAMES[payment]}". Order nothing else. {FINISH}'
    )
    brief = (
        f"Order {quantity} x cheapest {kind.noun}: {name} = {value}, rating >= {least}, {colour} in stock >= "
        f"{quantity}. "
        f"To {address['city']}, {DELIVERY_NAMES[delivery]}, {PAYMENT_NAMES[payment]}. End on the order's page."
    )
    fill_cart, subtasks = add_to_cart(best, colour, quantity), [signed_in(me)]
    done = ""
    if is_midway:
        scene.tables["cart_lines"] = [{"owner": f"user {me.id}", "variant_id": wanted[0][0], "quantity": quantity}]
        done = "the right product is in the cart"
        fill_cart = [click("Cart (")]
    else:
        subtasks.append(subtask("the right product is in the cart", in_cart(me, wanted)))
    subtasks += [
        subtask("it is ordered, and nothing else", new_order(scene, wanted), end=True),
        subtask(
            "to the right address, by the right delivery and payment",
            new_order_has(scene, street=address["street"], delivery=delivery, payment=payment, coupon=""),
            end=True,
        ),
        order_is_open(scene),
    ]
    arrive, leave = sign_in(me), check_out(address["city"], delivery, payment)
    other = me.addresses[0]["city"]
    misses = [[*arrive, *fill_cart, *check_out(other, delivery, payment)]]
    if not is_midway:
        wrong = next((each for each in reversed(cheaper) if any(stock for _, stock in each.variants.values())), None)
        if wrong:
            wrong_colour = next(each for each, (_, stock) in wrong.variants.items() if stock)
            few = min(quantity, wrong.variants[wrong_colour][1])
            misses.append([*arrive, *add_to_cart(wrong, wrong_colour, few), *leave])
    return Goal(words, brief, subtasks, [*arrive, *fill_cart, *leave], misses, AN_ORDER, done)


def buy_with_coupon(scene: Scene, is_midway: bool) -> Goal:
    """Of several coupons some do not fit; of those that do one takes off the most."""
    rng, me = scene.rng, scene.me
    product = rng.choice(scene.products)
    colours = sorted(colour for colour, (_, stock) in product.variants.items() if stock >= 2)
    if not colours:
        raise NoSuchGoal
    colour = rng.choice(colours)
    quantity = rng.randint(1, min(3, product.variants[colour][1]))
    goods, today = quantity * product.cents, scene.today.isoformat()
    saves = {
        coupon["code"]: goods * coupon["percent"] // 100
        for coupon in scene.tables["coupons"]
        if coupon["valid_until"] >= today
        and goods >= coupon["minimum_cents"]
        and coupon["category"] in ("", product.kind.category)
    }
    ranked = sorted(saves, key=lambda code: -saves[code])
    if len(ranked) < 2 or saves[ranked[0]] == saves[ranked[1]]:
        raise NoSuchGoal
    best, second = ranked[:2]
    codes = [coupon["code"] for coupon in scene.tables["coupons"]]
    rng.shuffle(codes)
    address, payment = me.addresses[0], rng.choice(PAYMENTS)
    wanted = [(product.variants[colour][0], quantity)]
    words = (
        f"{me.name} wants {quantity} x {product.name} in {colour}, and has these coupon codes: "
        f"{', '.join(codes)}. Not all "
        "of them can be used for it. Place the order with the one that takes off the most, by standard delivery to the "
        f'default address, to be paid by "{PAYMENT_NAMES[payment]}". Order nothing else. {FINISH}'
    )
    brief = (
        f"Order {quantity} x {product.name}, {colour}, with the coupon of {', '.join(codes)} that saves most. Default "
        f"address, standard delivery, {PAYMENT_NAMES[payment]}. End on the order's page."
    )
    fill_cart, subtasks = add_to_cart(product, colour, quantity), [signed_in(me)]
    done = ""
    if is_midway:
        scene.tables["cart_lines"] = [{"owner": f"user {me.id}", "variant_id": wanted[0][0], "quantity": quantity}]
        done = "the products are in the cart"
        fill_cart = [click("Cart (")]
    else:
        subtasks.append(subtask("the right product is in the cart", in_cart(me, wanted)))
    applied = sql(f"select count(*) > 0 from sessions where user_id = {me.id} and coupon = '{best}'", 1)
    due = goods - saves[best]
    subtasks += [
        subtask("the best coupon is applied", applied, in_cart(me, wanted)),
        subtask("it is ordered with that coupon, and nothing else", new_order(scene, wanted), new_order_has(
            scene, coupon=best, total_cents=due + (0 if due >= 10_000 else 490)), end=True),
        subtask("to the right address, by the right delivery and payment", new_order_has(
            scene, street=address["street"], delivery="standard", payment=payment), end=True),
        order_is_open(scene),
    ]  # fmt: skip

    def way(code: str) -> list[dict[str, object]]:
        redeem = [fill("Coupon code", code), click("Apply coupon")]
        return [*sign_in(me), *fill_cart, *redeem, *check_out(address["city"], "standard", payment)]

    without = [*sign_in(me), *fill_cart, *check_out(address["city"], "standard", payment)]
    return Goal(words, brief, subtasks, way(best), [way(second), without], AN_ORDER, done)
