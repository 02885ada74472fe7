"""The workflows: each as the handbook tells it, and as it goes for one case. The two stand side by side."""

from collections.abc import Callable
from dataclasses import dataclass

from tasks.families.customer_dialogue.policy import Call, Case, Policy, age_days, by_level, call


@dataclass(frozen=True)
class Flow:
    """`told`: the handbook's steps; `calls`: what a case comes to, without looking up and verifying the customer."""

    name: str
    title: str
    told: Callable[[Policy], list[str]]
    calls: Callable[[Policy, Case], list[Call]]


def _damaged_told(policy: Policy) -> list[str]:
    reason = "`record_reason` with what is wrong with the item: broken, scratched, stained or missing_part."
    look = "`pull_up_order`."
    return [
        *([look, reason] if policy.is_reason_first else [look]),
        f"The order may not be older than: {by_level(policy.window_days, ' days')}. If it is, `give_voucher` with "
        f"{by_level(policy.voucher_percent, ' percent')}; the outcome is voucher. Do not ask for a preference then.",
        "Otherwise ask whether the customer prefers a refund or a replacement. Refund: `offer_refund` with the full "
        "price; outcome refunded. Replacement: `send_replacement`; outcome replaced.",
        *([] if policy.is_reason_first else [reason]),
        f"If the price was above {policy.quality_limit}.00, `notify_team` quality.",
        "`close_case`.",
    ]


def _damaged(policy: Policy, case: Case) -> list[Call]:
    reason = call("record_reason", order_id=case.order_id, reason=case.said["problem"])
    calls = [call("pull_up_order", order_id=case.order_id), *([reason] if policy.is_reason_first else [])]
    if age_days(policy, case) > policy.window_days[case.level]:
        calls.append(call("give_voucher", order_id=case.order_id, percent=policy.voucher_percent[case.level]))
        outcome = "voucher"
    elif case.said["preference"] == "refund":
        calls.append(call("offer_refund", order_id=case.order_id, amount=case.order["price"]))
        outcome = "refunded"
    else:
        calls.append(call("send_replacement", order_id=case.order_id))
        outcome = "replaced"
    calls += [] if policy.is_reason_first else [reason]
    if case.order["price"] > policy.quality_limit:
        calls.append(call("notify_team", team="quality", order_id=case.order_id))
    return [*calls, call("close_case", outcome=outcome)]


def _size_told(policy: Policy) -> list[str]:
    return [
        "`pull_up_order`.",
        f"Exchanges are possible up to this age of the order: {by_level(policy.window_days, ' days')}. "
        "If it is older, `close_case` with the outcome denied, and nothing else.",
        "Ask which size is wanted, and on which day the parcel can be picked up.",
        "`book_pickup` for that day, then `exchange_size`.",
        "`close_case` with the outcome exchanged.",
    ]


def _size(policy: Policy, case: Case) -> list[Call]:
    calls = [call("pull_up_order", order_id=case.order_id)]
    if age_days(policy, case) > policy.window_days[case.level]:
        return [*calls, call("close_case", outcome="denied")]
    return [
        *calls,
        call("book_pickup", order_id=case.order_id, day=case.said["pickup_day"]),
        call("exchange_size", order_id=case.order_id, size=case.said["size"]),
        call("close_case", outcome="exchanged"),
    ]


def _returned_told(policy: Policy) -> list[str]:
    return [
        "This is for items that are in order and fit, but are not wanted any more. `pull_up_order`.",
        f"Returns are possible up to this age of the order: {by_level(policy.window_days, ' days')}. "
        "If it is older, `close_case` with the outcome denied, and nothing else.",
        "Ask on which day the parcel can be picked up; `book_pickup`.",
        f"`offer_refund` with the price less a fee of {by_level(policy.fee_percent, ' percent')}.",
        "`close_case` with the outcome refunded.",
    ]


def _returned(policy: Policy, case: Case) -> list[Call]:
    calls = [call("pull_up_order", order_id=case.order_id)]
    if age_days(policy, case) > policy.window_days[case.level]:
        return [*calls, call("close_case", outcome="denied")]
    amount = round(case.order["price"] * (100 - policy.fee_percent[case.level]) / 100, 2)
    return [
        *calls,
        call("book_pickup", order_id=case.order_id, day=case.said["pickup_day"]),
        call("offer_refund", order_id=case.order_id, amount=amount),
        call("close_case", outcome="refunded"),
    ]


def _missing_told(policy: Policy) -> list[str]:
    asked = "Ask whether the customer has asked the neighbours for it, then "
    return [
        "`pull_up_order` and look at the status.",
        f"Delivered: {asked if policy.asks_neighbours else ''}`open_investigation` with asked_neighbours "
        f"{'as the customer says' if policy.asks_neighbours else 'always no'}, `notify_team` shipping, "
        "`close_case` with the outcome investigated.",
        f"Shipped, and ordered more than {policy.resend_after_days} days ago: `reship_order`, `close_case` with the "
        "outcome resent.",
        "Shipped, and not as long ago, or still packing: `close_case` with the outcome denied.",
    ]


def _missing(policy: Policy, case: Case) -> list[Call]:
    calls = [call("pull_up_order", order_id=case.order_id)]
    if case.order["status"] == "delivered":
        asked = case.said["neighbours"] if policy.asks_neighbours else "no"
        return [
            *calls,
            call("open_investigation", order_id=case.order_id, asked_neighbours=asked),
            call("notify_team", team="shipping", order_id=case.order_id),
            call("close_case", outcome="investigated"),
        ]
    if case.order["status"] == "shipped" and age_days(policy, case) > policy.resend_after_days:
        return [*calls, call("reship_order", order_id=case.order_id), call("close_case", outcome="resent")]
    return [*calls, call("close_case", outcome="denied")]


def _address_told(policy: Policy) -> list[str]:
    return [
        "`pull_up_order` and look at the status. Ask for the new street with its number.",
        "Packing: `change_address`, outcome address_changed.",
        "Shipped: `notify_carrier` with the new street, then `notify_team` shipping; outcome forwarded.",
        "Delivered: outcome denied.",
        "`close_case`.",
    ]


def _address(policy: Policy, case: Case) -> list[Call]:
    calls = [call("pull_up_order", order_id=case.order_id)]
    street = case.said["new_street"]
    match case.order["status"]:
        case "packing":
            calls.append(call("change_address", order_id=case.order_id, street=street))
            outcome = "address_changed"
        case "shipped":
            calls.append(call("notify_carrier", order_id=case.order_id, street=street))
            calls.append(call("notify_team", team="shipping", order_id=case.order_id))
            outcome = "forwarded"
        case _:
            outcome = "denied"
    return [*calls, call("close_case", outcome=outcome)]


def _cancel_told(policy: Policy) -> list[str]:
    return [
        "`pull_up_order` and look at the status.",
        "Packing: `offer_refund` with the full price, then `cancel_order`; outcome cancelled.",
        "Anything else: outcome denied.",
        "`close_case`.",
    ]


def _cancel(policy: Policy, case: Case) -> list[Call]:
    calls = [call("pull_up_order", order_id=case.order_id)]
    if case.order["status"] != "packing":
        return [*calls, call("close_case", outcome="denied")]
    return [
        *calls,
        call("offer_refund", order_id=case.order_id, amount=case.order["price"]),
        call("cancel_order", order_id=case.order_id),
        call("close_case", outcome="cancelled"),
    ]


def _billing_told(policy: Policy) -> list[str]:
    return [
        "`pull_up_order`. Ask how much was charged.",
        "What was charged above the price is the difference. You may give it back yourself up to: "
        f"{by_level(policy.billing_limit, '.00')}. Then `adjust_charge` with the difference; outcome adjusted.",
        "More than that: `notify_team` billing; outcome forwarded.",
        "`close_case`.",
    ]


def _billing(policy: Policy, case: Case) -> list[Call]:
    calls = [call("pull_up_order", order_id=case.order_id)]
    difference = round(case.said["charged"] - case.order["price"], 2)
    if difference <= policy.billing_limit[case.level]:
        calls.append(call("adjust_charge", order_id=case.order_id, amount=difference))
        return [*calls, call("close_case", outcome="adjusted")]
    calls.append(call("notify_team", team="billing", order_id=case.order_id))
    return [*calls, call("close_case", outcome="forwarded")]


def _subscription_told(policy: Policy) -> list[str]:
    months = ", ".join(map(str, policy.months_choices))
    return [
        f"Ask for how many months; possible are {months}.",
        "If the account has something due, ask for the payment method (card or bank transfer), and `collect_payment` "
        "of all that is due.",
        "`extend_subscription`.",
        "`close_case` with the outcome extended.",
    ]


def _subscription(policy: Policy, case: Case) -> list[Call]:
    due = case.account["due"]
    paid = [call("collect_payment", amount=due, method=case.said["method"])] if due else []
    extended = call("extend_subscription", months=case.said["months"])
    return [*paid, extended, call("close_case", outcome="extended")]


def _contact_told(policy: Policy) -> list[str]:
    channel = "phone" if policy.is_code_by_phone else "email"
    return [
        f"`send_code` by {channel}, and ask the customer for the code that came.",
        "`confirm_code`.",
        "Ask for the new phone number or e-mail address, and `update_contact`.",
        "`close_case` with the outcome updated.",
    ]


def _contact(policy: Policy, case: Case) -> list[Call]:
    return [
        call("send_code", channel="phone" if policy.is_code_by_phone else "email"),
        call("confirm_code", code=case.account["code"]),
        call("update_contact", field=case.said["field"], value=case.said["new_value"]),
        call("close_case", outcome="updated"),
    ]


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("damaged", "An item came damaged or incomplete", _damaged_told, _damaged),
        Flow("size", "An item has the wrong size", _size_told, _size),
        Flow("returned", "An item is not wanted any more", _returned_told, _returned),
        Flow("missing", "A parcel has not come", _missing_told, _missing),
        Flow("address", "A parcel should go to another address", _address_told, _address),
        Flow("cancel", "An order should be cancelled", _cancel_told, _cancel),
        Flow("billing", "Too much was charged", _billing_told, _billing),
        Flow("subscription", "The subscription of the magazine should go on", _subscription_told, _subscription),
        Flow("contact", "Phone number or e-mail address has changed", _contact_told, _contact),
    )
}
