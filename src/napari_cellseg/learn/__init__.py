"""Training and applying the network: the only place that knows torch."""
