NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Fay", "Gus")
