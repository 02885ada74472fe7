"""stream_memory: a long input read chunk by chunk into a typed store that is amended by proposed edits (PRISM)."""
