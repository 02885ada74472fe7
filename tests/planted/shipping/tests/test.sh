#!/bin/bash
reward=0
if python3 -Es /tests/check.py; then reward=1; fi
echo $reward > /logs/verifier/reward.txt
