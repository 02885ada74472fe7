"""Small Python problems with three shown asserts and more hidden ones (after MBPP), composed from typed operations."""
