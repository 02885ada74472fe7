"""What a person sees: the dashboard of a store, and the page on which a template is tried (`dashboard.trying`).

Imports agents, trajectories, tasks and environments, never flows; asks the store through `trajectories`, never by SQL
of its own. The door is `dashboard.app.create_app(DashboardConfig)`.

Everything that agents, models and tasks wrote is untrusted: templates escape it, and the pages' content security
policy lets nothing run or load that does not come from `static/`.
"""
