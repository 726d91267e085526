"""Who may enter the lab over a network: settings, passwords, tickets, and how fast passwords may be tried. Knows no web server."""

from labcore.access.passwords import check_password, hash_password
from labcore.access.settings import Access, read_access
from labcore.access.throttle import PasswordThrottle
from labcore.access.tickets import Tickets

__all__ = ["Access", "PasswordThrottle", "Tickets", "check_password", "hash_password", "read_access"]
