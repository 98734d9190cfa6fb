"""Every setting as a value: the sections of the configuration file, applying it, and taking a change back. Spec 10."""
