"""Background jobs: the queue, its supervisor (:mod:`labcore.jobs.manager`) and the worker (:mod:`labcore.jobs.worker`)."""
