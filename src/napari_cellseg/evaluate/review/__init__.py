"""Experts judge predictions: what they are shown, what they say of it, and what comes of it."""
