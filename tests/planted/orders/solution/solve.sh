#!/bin/bash
awk -F, '$3 == "paid" { total += $2 } END { print total }' /app/orders.csv > /app/answer.txt
