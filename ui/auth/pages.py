"""The pages that the gate itself draws: signing in, and why nothing opens. Plain HTML without scripts, in the lab's colours."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from labcore.access import Access
from ui.auth.headers import own_policy

LOGO = (
    "data:image/svg+xml;base64,"
    + base64.b64encode((Path(__file__).parents[1] / "app" / "logo.svg").read_bytes()).decode()
)
STYLE = """
:root { color-scheme: light dark; --paper: #FCFBF8; --card: #FFFFFF; --ink: #1F2A30; --soft: #5B676F; --line: #DEDACF;
  --field: #F3F0E9; --teal: #0B6B68; --on-teal: #FFFFFF; --red: #A93224; --red-soft: #FBEDEA; --focus: #1D4F91; --shadow: #1F2A3014; }
@media (prefers-color-scheme: dark) { :root { --paper: #12191C; --card: #182125; --ink: #E7EDEA; --soft: #9BA8AC; --line: #2D3A3F;
  --field: #1C262A; --teal: #4BBDAF; --on-teal: #06201D; --red: #F0806C; --red-soft: #33211F; --focus: #A9CDFF; --shadow: #00000040; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; grid-template-columns: minmax(0, 1fr); place-items: center;
  padding: 1.5rem 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
main { width: 100%; max-width: 25rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 2rem; box-shadow: 0 8px 30px var(--shadow); }
main.wide { max-width: 40rem; }
.brand { display: flex; align-items: center; gap: .7rem; font-weight: 600; margin-bottom: 1.4rem; }
.brand img { width: 34px; height: 34px; display: block; }
h1 { font: 600 1.55rem/1.25 Georgia, "Liberation Serif", "Times New Roman", serif; margin: 0 0 .4rem; }
p { margin: 0 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
p strong, li strong { color: var(--ink); }
label { display: block; font-size: .92rem; font-weight: 500; margin: 1rem 0 .3rem; }
.hint { font-weight: 400; color: var(--soft); }
input:not([type=checkbox]) { width: 100%; font: inherit; color: inherit; background: var(--field); border: 1px solid var(--line);
  border-radius: 10px; padding: .6rem .75rem; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 2.5px solid var(--focus); outline-offset: 2px; }
.keep { display: flex; align-items: center; gap: .55rem; font-weight: 400; margin: 1rem 0 1.3rem; }
.keep input { width: 1.05rem; height: 1.05rem; accent-color: var(--teal); margin: 0; flex: none; }
button, .button { display: block; width: 100%; font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer;
  border: 1px solid var(--teal); border-radius: 10px; padding: .65rem 1rem; background: var(--teal); color: var(--on-teal); }
button:hover, .button:hover { filter: brightness(1.08); }
.plain { background: transparent; color: var(--ink); border-color: var(--line); margin-top: .7rem; }
.or { display: flex; align-items: center; gap: .8rem; color: var(--soft); font-size: .85rem; margin: 1.3rem 0 .6rem; }
.or::before, .or::after { content: ""; flex: 1; height: 1px; background: var(--line); }
.trouble { color: var(--red); background: var(--red-soft); border-radius: 10px; padding: .65rem .85rem;
  margin: .9rem 0 0; font-size: .95rem; }
ol, ul { margin: 0 0 1rem; padding-left: 1.3rem; color: var(--soft); }
li { margin-bottom: .6rem; overflow-wrap: anywhere; }
code, pre { font: .88rem/1.5 ui-monospace, SFMono-Regular, Menlo, "Liberation Mono", monospace; background: var(--field); color: var(--ink);
  border-radius: 6px; }
code { padding: .1rem .35rem; } pre { padding: .7rem .9rem; margin: .4rem 0 .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre code { padding: 0; }
@media (max-width: 480px) { main { padding: 1.5rem 1.2rem; } }
"""


def page(title: str, body: str, status: int, *, wide: bool = False, retry_after: int = 0) -> HTMLResponse:
    """A whole page; ``body`` is HTML."""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{escape(title)} · Audio GPU Lab</title><link rel="icon" href="{LOGO}"><style>{STYLE}</style></head>'
        f'<body><main{" class=wide" if wide else ""}><div class="brand"><img src="{LOGO}" alt="">Audio GPU Lab</div>'
        f"<h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    headers = {"Content-Security-Policy": own_policy(STYLE), "X-Frame-Options": "DENY"}
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    return HTMLResponse(html, status, headers)


def sign_in(
    base: str, target: str, access: Access, *, name: str = "", trouble: str = "", note: str = "", status: int = 200,
    retry_after: int = 0,
) -> HTMLResponse:  # fmt: skip
    """The form, the buttons of the providers, or both, as the settings of access say.

    Args:
        target: where to go afterwards, a path of the lab.
        trouble: what went wrong, a sentence; ``note``: what is to be said otherwise.
    """
    parts = [f"<p>{escape(note)}</p>" if note else ""]
    if trouble:
        parts.append(f'<p class="trouble" role="alert">{escape(trouble)}</p>')
    if access.passwords:
        hint = "" if access.accounts else ' <span class="hint">shown next to your jobs</span>'
        parts.append(
            f'<form method="post" action="{escape(base)}/login"><input type="hidden" name="next" value="{escape(target)}">'
            f'<label for="name">Your name{hint}</label>'
            f'<input id="name" name="name" value="{escape(name)}" autocomplete="username" maxlength="60" required'
            f'{"" if name else " autofocus"} spellcheck="false" autocapitalize="none">'
            '<label for="password">Password</label><input id="password" name="password" type="password" '
            f'autocomplete="current-password" maxlength="256" required{" autofocus" if name else ""}>'
            '<label class="keep"><input type="checkbox" name="keep" value="yes">Keep me signed in for 30 days</label>'
            "<button>Sign in</button></form>"
        )
    if access.providers and access.passwords:
        parts.append('<div class="or">or</div>')
    for provider in access.providers:
        query = urlencode({"provider": provider, "next": target})
        label = f"Sign in with {provider}" if provider else "Sign in with your organisation"
        plain = " plain" if access.passwords else ""
        parts.append(f'<a class="button{plain}" href="{escape(base)}/login/oidc?{escape(query)}">{escape(label)}</a>')
    return page("Sign in", "".join(parts), status, retry_after=retry_after)


def closed(why: str, troubles: Sequence[str]) -> HTMLResponse:
    """Access is demanded, and nobody can be let in."""
    if troubles:
        listed = "".join(f"<li>{escape(trouble.rstrip('.'))}.</li>" for trouble in troubles)
        body = (
            "<p>The access settings are invalid, so nobody is let in. The administrator must correct them and restart the lab:</p>"
            f"<ul>{listed}</ul>"
        )
        return page("The lab is closed", body, 503, wide=True)
    body = (
        f"<p>It can be reached from other machines ({escape(why)}), and no password is set. Anyone who reaches it could read files and "
        "train on this machine, so it stays closed until the administrator chooses one of these:</p>"
        "<ol><li><strong>Set a password.</strong> Create its hash, and start the lab with it:"
        "<pre><code>labcore password\nexport LABCORE_PASSWORD_HASH='…the printed hash…'</code></pre></li>"
        "<li><strong>Or sign in by OpenID Connect</strong>, with an <code>[auth]</code> section in "
        "<code>.streamlit/secrets.toml</code>.</li>"
        "<li><strong>Or listen on this machine only:</strong> <code>--server.address localhost</code></li></ol>"
        "<p><code>docs/network.md</code> describes each of them.</p>"
    )
    return page("The lab has no password yet", body, 503, wide=True)


def through_a_proxy() -> HTMLResponse:
    """A lab without access control was reached from elsewhere."""
    body = (
        "<p>This lab serves its own machine only and has no password, but this request came from elsewhere, through a "
        "proxy or an external address, so it was refused.</p>"
        "<ul><li>Set a password: <code>labcore password</code> creates the value of <code>LABCORE_PASSWORD_HASH</code>.</li>"
        "<li>Or, if the proxy authenticates users: <code>LABCORE_ACCESS=open</code>.</li></ul>"
        "<p><code>docs/network.md</code> has the details.</p>"
    )
    return page("Access refused", body, 403, wide=True)


def wrong_host(host: str) -> HTMLResponse:
    """The name in the address bar is not one of the lab's."""
    shown = escape(host[:100]) or "without a name"
    body = (
        f"<p>The lab does not accept the host name <strong>{shown}</strong>. This protects it from other sites.</p>"
        "<p>If the name is right, the administrator adds it and restarts the lab:</p>"
        '<pre><code>export STREAMLIT_SERVER_ALLOWED_HOSTS="lab.example.org localhost"</code></pre>'
    )
    return page("Unknown host name", body, 421, wide=True)


def message(title: str, text: str, status: int) -> HTMLResponse:
    return page(title, f"<p>{escape(text)}</p>", status)


def not_listed(base: str, who: str) -> HTMLResponse:
    """Signed in with a provider, and not among those who may enter."""
    body = (
        f"<p>You are signed in as <strong>{escape(who)}</strong>, who is not on this lab's list. The administrator can add you, "
        "if your provider has verified the address.</p>"
        f'<a class="button" href="{escape(base)}/auth/logout">Sign in as somebody else</a>'
    )
    return page("Not on the list", body, 403)
