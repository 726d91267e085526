"""Whose run of a page this is, and whether that browser is still there: asked of Streamlit's runtime."""

from __future__ import annotations

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx


def current() -> str:
    """The session that the page is run for; empty outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context is not None else ""


def there(session: str) -> bool:
    """Whether the browser of a session is connected. Of what is no server's session nobody can tell, and it counts as there."""
    return not Runtime.exists() or Runtime.instance().is_active_session(session)
