"""Labels from fluorescence, their triage, and their correction."""
