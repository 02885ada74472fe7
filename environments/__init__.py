"""Where a task runs: the Sandbox protocol, its backends, images and Python environments.

Imports no other room. `docker` is known only to `environments/docker.py`.
"""
