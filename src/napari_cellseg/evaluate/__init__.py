"""How good predictions are, against a known truth."""
