"""Steps through the shop, as a person would go: what reference solutions are made of."""

from typing import Any

from tasks.families.web_shop.people import Customer
from tasks.families.web_shop.stock import Product

Step = dict[str, Any]
DELIVERY_NAMES = {"standard": "Standard delivery", "express": "Express delivery", "pickup": "Pick up"}
PAYMENT_NAMES = {"invoice": "Invoice", "card": "Card on delivery", "transfer": "Bank transfer"}
YES: Step = {"do": "click", "on": "Yes, go on"}


def click(on: str, **more: Any) -> Step:
    return {"do": "click", "on": on, **more}


def fill(on: str, text: str, **more: Any) -> Step:
    return {"do": "fill", "on": on, "text": text, **more}


def choose(on: str, option: str) -> Step:
    return {"do": "select", "on": on, "option": option}


def sign_in(customer: Customer) -> list[Step]:
    return [
        click("Sign in", kind="link"),
        fill("Email", customer.email),
        fill("Password", customer.password),
        click("Sign in", kind="button"),
    ]


def open_product(product: Product) -> list[Step]:
    return [fill("Search the shop", product.name), click("Search"), click(product.name, kind="link")]


def add_to_cart(product: Product, colour: str, quantity: int) -> list[Step]:
    stock = product.variants[colour][1]
    steps = [*open_product(product), choose("Colour", f"{colour} ({f'{stock} in stock' if stock else 'sold out'})")]
    if quantity > 1:
        steps.append(fill("Quantity", str(quantity)))
    return [*steps, click("Add to cart")]


def check_out(city: str, delivery: str, payment: str) -> list[Step]:
    """From the cart to the placed order."""
    return [
        click("Go to checkout"),
        {"do": "check", "on": city, "kind": "radio"},
        {"do": "check", "on": DELIVERY_NAMES[delivery]},
        {"do": "check", "on": PAYMENT_NAMES[payment]},
        click("Continue to review"),
        click("Place order"),
        YES,
    ]


def open_order(number: int, page: int) -> list[Step]:
    """From any page of a customer; `page`: of the list of orders."""
    return [click("My orders"), *([click("Older orders")] * (page - 1)), click(f"Order {number}", kind="link")]
