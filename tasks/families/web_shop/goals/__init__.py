"""What a customer may want: each kind of goal makes the words, the subtasks with their checks, and a way to it."""

from collections.abc import Callable

from tasks.families.web_shop.goals.account import care_for_account
from tasks.families.web_shop.goals.buying import buy_best_fit, buy_with_coupon
from tasks.families.web_shop.goals.goal import Goal, Scene
from tasks.families.web_shop.goals.looking import compare_and_choose, move_appointment
from tasks.families.web_shop.goals.ordering import reorder_after_move, replace_order, return_item

KINDS: dict[str, Callable[[Scene, bool], Goal]] = {
    "buy": buy_best_fit,
    "coupon": buy_with_coupon,
    "reorder": reorder_after_move,
    "return": return_item,
    "replace": replace_order,
    "appointment": move_appointment,
    "compare": compare_and_choose,
    "account": care_for_account,
}

__all__ = ["KINDS", "Goal", "Scene"]
