"""What is wrong with the way in which this installation is set up."""


class ConfigurationError(Exception):
    """The installation can't start as it is set up; the text says what is wrong and what to do."""
