"""The page of the service: its files, read once when the service starts."""
