"""What is drawn first, and which trials are given up."""

from __future__ import annotations

import optuna

from labcore.search.folder import Search
from labcore.search.journal import NAME, study_id
from labcore.search.sampling import ask, hopeless
from labcore.search.space import Range


def test_the_recipe_is_the_first_trial_only_where_the_ranges_hold_it(workspace, make):
    held = make((Range("optim.lr", 0.01, 0.3, log=True),), {"optim.epochs": None})
    assert held.recipe == {"optim.lr": 0.1}
    for ranges in ((Range("optim.epochs", 5, 50),), (Range("optim.lr", 0.2, 0.3),)):
        other = make(ranges, {"optim.epochs": None})
        assert other.recipe is None, "automatic, or beyond the range"
        search = Search.create(workspace, other)
        study = optuna.load_study(study_name=NAME, storage=search.journal())
        ask(study, other, 0)
        assert (len(search.report().trials), search.report().recipe) == (1, None)


def test_a_longer_training_is_compared_after_the_same_share(workspace, make):
    settings = make((Range("optim.epochs", 40, 100),), trials=12, pruning=True)

    def told(number: int, epochs: int, better: float = 0.0) -> bool:
        """Tell the epochs of a trial whose figure follows from the share that is over, until it is pruned; whether it was."""
        trial = storage.get_trial_id_from_study_id_trial_number(study_id(storage), number)
        for epoch in range(1, epochs + 1):
            storage.set_trial_intermediate_value(trial, epoch, 0.9 * (epoch / epochs) ** 2 + better)
            if hopeless(study, storage.get_trial(trial), settings, epochs):
                assert epoch >= epochs / 3
                return True
        study.tell(number, 0.9 + better)
        return False

    search = Search.create(workspace, settings)
    storage = search.journal()
    study = optuna.load_study(study_name=NAME, storage=storage)
    for number, epochs in enumerate((40, 60, 50, 60)):
        ask(study, settings, number)
        assert not told(number, epochs)
    assert not told(ask(study, settings, 4), 100, better=0.01)
    assert told(ask(study, settings, 5), 100, better=-0.05)
