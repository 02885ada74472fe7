"""Domains around places and travel: hotel, restaurant, fleet, parcels."""

from tasks.families.api_calling._twins import acting, changing, creating, removing
from tasks.families.api_calling.model import Domain, Field, Operation, Resource, count, day, phrase, ref, words

_NAME, _TOWN, _EMAIL = Field("person", (), "name"), Field("town", (), "town"), Field("email", (), "e-mail address")
_WHO = ("{name}", "{name} from {town}", "{name} ({email})")

_STAY = {"guest_id": ref("guest"), "room_id": ref("room"), "arrival": day("arrival date"), "nights": count(2, 9)}
HOTEL = Domain(
    "hotel",
    "Hotel",
    (
        Resource(
            "guest",
            "guests",
            "GST",
            {"name": _NAME, "town": _TOWN, "email": _EMAIL, "tier": words("basic", "silver", "gold")},
            _WHO,
            ("name", "town"),
            filters=("town", "tier"),
            searches="name",
        ),
        Resource(
            "room",
            "rooms",
            "RM",
            {"number": Field("code", "###", "number"), "wing": words("north", "south", "east"), "beds": count(1, 4)},
            ("room {number}", "room {number} in the {wing} wing"),
            ("number", "wing"),
            filters=("number", "wing", "beds"),
        ),
        Resource(
            "stay",
            "stays",
            "STY",
            {**_STAY, "status": words("booked")},
            (
                "the stay of {guest_id} in room {room_id.number}",
                "the stay of {guest_id} in room {room_id.number} from {arrival}",
            ),
            ("guest_id", "arrival", "status"),
            own={"breakfast": False, "late_checkout": False, "note": ""},
            filters=("guest_id", "room_id", "status"),
            states=("booked", "booked", "booked", "checked_in", "cancelled"),
        ),
    ),
    (
        *creating(
            "book_stay",
            "stay",
            "/stays",
            "book {room_id} for {guest_id}, arriving on {arrival}, for {nights} nights",
            _STAY,
            "Book a room for a guest.",
            status="booked",
        ),
        acting(
            "cancel_stay",
            "stay",
            "/stays/{id}/cancel",
            "Cancel a stay that has not begun. The room is free again.",
            "cancel {it}",
            {"status": ["booked"]},
            status="cancelled",
        ),
        acting(
            "void_stay",
            "stay",
            "/stays/{id}/void",
            "Take a stay out of the books because it was entered in error. Not for guests who cancel.",
            when={"status": ["booked"]},
            status="void",
        ),
        acting(
            "add_breakfast",
            "stay",
            "/stays/{id}/breakfast",
            "Add breakfast to a stay.",
            "add breakfast to {it}",
            {"status": ["booked"]},
            breakfast=True,
        ),
        acting(
            "grant_late_checkout",
            "stay",
            "/stays/{id}/late-checkout",
            "Let the guest leave at 14:00.",
            "grant a late checkout for {it}",
            {"status": ["booked"]},
            late_checkout=True,
        ),
        changing(
            "move_stay",
            "stay",
            "/stays/{id}/arrival",
            "Let a booked stay begin on another day.",
            "move {it} so that it begins on {arrival}",
            {"status": ["booked"]},
            arrival=day("arrival date"),
        ),
        changing(
            "change_room",
            "stay",
            "/stays/{id}/room",
            "Put a booked stay into another room.",
            "move {it} into {room_id}",
            {"status": ["booked"]},
            room_id=ref("room"),
        ),
        changing(
            "note_on_stay",
            "stay",
            "/stays/{id}/note",
            "Write a note for the staff on a stay.",
            "put the note “{note}” on {it}",
            note=phrase(
                "quiet room please",
                "arrives after midnight",
                "brings a dog",
                "allergic to feathers",
                "celebrates a birthday",
            ),
        ),
        changing(
            "set_guest_tier",
            "guest",
            "/guests/{id}/tier",
            "Set the tier of a guest's membership.",
            "set the membership of the hotel guest {it} to {tier}",
            tier=words("basic", "silver", "gold"),
        ),
    ),
)

_TABLE = {
    "diner_id": ref("diner"), "date": day(), "time": Field("time", (), "time"), "persons": count(2, 9),
}  # fmt: skip
RESTAURANT = Domain(
    "restaurant",
    "Restaurant",
    (
        Resource(
            "diner", "diners", "DNR", {"name": _NAME, "town": _TOWN, "email": _EMAIL}, _WHO, ("name", "town"),
            filters=("town",), searches="name",
        ),
        Resource(
            "reservation", "reservations", "RSV", {**_TABLE, "status": words("confirmed")},
            ("the table of {diner_id} on {date}", "the table of {diner_id} on {date} at {time}"),
            ("diner_id", "date", "status"), own={"place": "inside"}, filters=("diner_id", "date", "status"),
            states=("confirmed", "confirmed", "confirmed", "seated", "withdrawn"),
        ),
    ),
    (
        *creating(
            "reserve_table", "reservation", "/reservations",
            "reserve a table for {diner_id} on {date} at {time} for {persons} persons", _TABLE,
            "Reserve a table.", status="confirmed",
        ),
        acting(
            "withdraw_reservation", "reservation", "/reservations/{id}/withdraw",
            "The diner does not want the table any more.", "withdraw the reservation of {it}",
            {"status": ["confirmed"]}, status="withdrawn",
        ),
        acting(
            "mark_no_show", "reservation", "/reservations/{id}/no-show",
            "The diner did not come although the table was kept.", when={"status": ["confirmed"]}, status="no_show",
        ),
        acting(
            "seat_outside", "reservation", "/reservations/{id}/terrace", "Give a reservation a place on the terrace.",
            "give {it} a place on the terrace", {"status": ["confirmed"]}, place="terrace",
        ),
        changing(
            "resize_reservation", "reservation", "/reservations/{id}/persons", "Change for how many persons it is.",
            "change {it} to {persons} persons", {"status": ["confirmed"]}, persons=count(2, 9),
        ),
        changing(
            "postpone_reservation", "reservation", "/reservations/{id}/date", "Move a reservation to another day.",
            "postpone {it} to {date}", {"status": ["confirmed"]}, date=day(),
        ),
    ),
)  # fmt: skip

FLEET = Domain(
    "fleet",
    "Car fleet",
    (
        Resource(
            "vehicle", "vehicles", "VHC",
            {"plate": Field("code", "??-####", "plate"), "model": words("van", "estate", "pickup", "minibus"),
             "town": _TOWN, "status": words("ready")},
            ("the vehicle {plate}",), ("plate", "model", "status"), own={"next_service": ""},
            filters=("model", "town", "status"), searches="plate",
            states=("ready", "ready", "ready", "in_repair", "retired"),
        ),
        Resource(
            "driver", "drivers", "DRV", {"name": _NAME, "town": _TOWN, "email": _EMAIL}, _WHO, ("name", "town"),
            filters=("town",), searches="name",
        ),
        Resource(
            "trip", "trips", "TRP",
            {"vehicle_id": ref("vehicle"), "driver_id": ref("driver"), "date": day(), "status": words("planned")},
            ("the trip of {driver_id} on {date}", "the trip of {driver_id} on {date} with {vehicle_id}"),
            ("driver_id", "date"), own={"distance_km": 0}, filters=("vehicle_id", "driver_id", "date"),
            states=("planned", "planned", "driven"),
        ),
    ),
    (
        *creating(
            "plan_trip", "trip", "/trips", "plan a trip on {date} with {vehicle_id} for the driver {driver_id}",
            {"vehicle_id": ref("vehicle"), "driver_id": ref("driver"), "date": day()}, "Plan a trip.",
            status="planned",
        ),
        acting("send_to_repair", "vehicle", "/vehicles/{id}/repair", "Send a vehicle to the workshop for a repair.",
               "send {it} to repair", {"status": ["ready"]}, status="in_repair"),
        acting("retire_vehicle", "vehicle", "/vehicles/{id}/retire", "Take a vehicle out of the fleet for good.",
               "retire {it} for good", {"status": ["ready", "in_repair"]}, status="retired"),
        acting("park_vehicle", "vehicle", "/vehicles/{id}/park", "Keep a vehicle out of use for the season.",
               when={"status": ["ready"]}, status="parked"),
        changing("schedule_service", "vehicle", "/vehicles/{id}/service",
                 "Set the day of the next regular inspection; the vehicle stays in use.",
                 "schedule the next regular inspection of {it} for {next_service}", next_service=day("inspection")),
        changing("change_driver", "trip", "/trips/{id}/driver", "Give a planned trip to another driver.",
                 "let {driver_id} drive instead on {it}", {"status": ["planned"]}, driver_id=ref("driver")),
        changing("log_distance", "trip", "/trips/{id}/distance", "Write down how far a trip went.",
                 "log {distance_km} km for {it}", distance_km=count(20, 900)),
        removing("delete_trip", "trip", "/trips/{id}", "Delete a trip as if it had never been planned.",
                 "delete {it}"),
    ),
)  # fmt: skip

PARCELS = Domain(
    "parcels",
    "Parcel service",
    (
        Resource(
            "depot", "depots", "DPT", {"town": _TOWN, "code": Field("code", "??#", "code")},
            ("the depot in {town}", "the depot {code} in {town}"), ("town", "code"), count=(14, 20), searches="town",
        ),
        Resource(
            "parcel", "parcels", "PCL",
            {"recipient": Field("person", (), "recipient"), "sender": Field("company", (), "sender"),
             "depot_id": ref("depot"), "weight_g": count(100, 9000), "status": words("waiting")},
            ("the parcel for {recipient}", "the parcel from {sender} for {recipient}",
             "the parcel from {sender} for {recipient} that weighs {weight_g} g"),
            ("recipient", "status"), own={"delivery_date": "", "signature": False},
            filters=("depot_id", "status"), searches="recipient",
            states=("waiting", "waiting", "waiting", "on_the_way", "delivered"),
        ),
    ),
    (
        Operation("dispatch_parcel", "change", "parcel", "/parcels/{id}/dispatch",
                  "Send a waiting parcel on its way to the recipient.", "dispatch {it}",
                  sets={"status": "on_the_way"}, when={"status": ["waiting"]}),
        acting("return_parcel", "parcel", "/parcels/{id}/return", "Send a waiting parcel back to its sender.",
               "send {it} back to its sender", {"status": ["waiting"]}, status="returned"),
        acting("hold_parcel", "parcel", "/parcels/{id}/hold", "Keep a parcel until the customs have seen it.",
               when={"status": ["waiting"]}, status="held"),
        acting("require_signature", "parcel", "/parcels/{id}/signature", "Deliver only against a signature.",
               "require a signature for {it}", signature=True),
        changing("forward_parcel", "parcel", "/parcels/{id}/depot", "Bring a waiting parcel to another depot.",
                 "forward {it} to {depot_id}", {"status": ["waiting"]}, depot_id=ref("depot")),
        changing("set_delivery_date", "parcel", "/parcels/{id}/delivery-date", "Set the day of the delivery.",
                 "set the delivery of {it} to {delivery_date}", delivery_date=day("delivery date")),
    ),
)  # fmt: skip
