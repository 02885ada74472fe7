"""The flywheel: its file (`request.py`), its flow (`flow.py`; Prefect is known there and in `steps.py`), its report."""
