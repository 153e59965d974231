"""Stacks, labels and studies: reading, writing, naming."""
