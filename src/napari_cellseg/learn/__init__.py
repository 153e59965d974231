"""Training and applying the network: the only place that knows torch."""

import os

# torch's threads wait for each other after every layer, and by default they wait spinning. On a computer that
# has other things to do as well, such as drawing napari, a training step on two cores then took 3.5 s; with
# threads that sleep it took 0.1 s. OpenMP reads this once, when torch is imported; what the person set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
