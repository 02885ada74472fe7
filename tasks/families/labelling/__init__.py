"""Programs that label a corpus, instead of labels (after Alchemist)."""
