"""The studies' experiments: inputs, models and methods composed into named runs that notebooks call."""
