"""The checks: functions from readings to checks. Nothing here reads anything, so that any machine can be replayed."""
