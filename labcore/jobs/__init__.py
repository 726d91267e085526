"""Background jobs: the queue, its supervisor (:mod:`labcore.jobs.manager`) and what works on a job (:mod:`labcore.jobs.process`)."""
