"""Who may enter the lab over a network: settings, passwords, session cookies, and how fast passwords may be tried. Knows no web server."""

from labcore.access.passwords import check_password, hash_password
from labcore.access.session_cookies import SessionCookies
from labcore.access.settings import Access, read_access
from labcore.access.throttle import PasswordThrottle

__all__ = ["Access", "PasswordThrottle", "SessionCookies", "check_password", "hash_password", "read_access"]
