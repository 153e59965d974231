"""The window: the only place that knows napari and Qt."""
