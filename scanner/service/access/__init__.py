"""Who may ask, how much and how fast; and what of a request is refused before it is looked at."""
