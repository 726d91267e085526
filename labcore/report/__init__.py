"""A run, a cross-validation or a comparison as one file to hand on: made once as content, written as HTML or as Markdown. No torch."""
