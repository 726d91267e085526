"""Settings as widgets, their form in the address, and what a form will take."""
