"""First steps: errands of one to three tool calls, easy enough that a very small model does some of them."""
