"""Quality, speed, memory and responsiveness, measured against named baselines in the same run."""
