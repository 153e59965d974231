"""Counts and tables of objects."""
