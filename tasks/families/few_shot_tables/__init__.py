"""Any table is a few-shot task: one column from the others."""
