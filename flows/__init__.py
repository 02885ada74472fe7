"""When: Prefect flows, deployments, settings, the command line. Imports every other room; only it knows Prefect."""
