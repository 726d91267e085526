"""Seeing and hearing a clip: views of it, what the settings lead to, and what each augmentation does to it."""
