"""Who may enter the lab over a network: settings, passwords, tickets, and how fast passwords may be tried. Knows no web server."""

from labcore.access.pace import Pace
from labcore.access.passwords import check_password, hash_password
from labcore.access.settings import Access, read_access
from labcore.access.tickets import Tickets

__all__ = ["Access", "Pace", "Tickets", "check_password", "hash_password", "read_access"]
