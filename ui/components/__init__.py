"""What several pages put together from: sound viewer, pickers of source, job and model, the owner's guard, results."""
