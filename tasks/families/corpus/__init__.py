"""A local corpus and a few shots become tasks: like documents are retrieved, samples are made of them (CRAFT)."""
