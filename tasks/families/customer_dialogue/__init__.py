"""Customer dialogue: a workflow whose values come out in a talk with a scripted customer (ABCD)."""
