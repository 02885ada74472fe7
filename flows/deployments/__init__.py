"""What runs without a person: schedules, event triggers, limits and automations, from one YAML file.

`spec` reads the file, `desired` turns it into plain data, `register` makes Prefect's server hold exactly that,
`entry` has the flows that run there, `watch` the events they send, `processes` and `up` start and stop the
server and its workers. Only `entry`, `register` and `up` import Prefect.
"""
