"""Signing in and out: what the gate answers at ``/login`` and ``/logout``."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from labcore.access import check_password
from labcore.access.settings import SHARED
from labcore.owners import clean
from ui.auth import oidc, pages
from ui.auth.policy import SECONDS_KEPT, SECONDS_SIGNED_IN, AccessPolicy
from ui.auth.request import client_address, is_https, safe_next, same_origin

AT_ONCE = 2
"""So many passwords are looked at at a time: each takes 64 MB and a core."""
WAITING = 8
LARGEST_FORM = 8192
SECONDS_KNOWN = 400 * 24 * 3600
"""So long a device is known that signed in; browsers keep no cookie longer."""
NOT_FROM_THERE = (
    "This sign-in did not come from the lab's own page. Open the lab's address and sign in there. A proxy in front of the lab must "
    "pass on the Host header."
)
NEXT = "lab-next"
"""The cookie that remembers where somebody wanted to go, while the provider asks who it is."""
log = logging.getLogger("audio_gpu_lab")


class Login:
    """Asks for the password, gives the session cookie, takes it back."""

    def __init__(self, policy: AccessPolicy) -> None:
        self.policy = policy
        self._limiter: anyio.CapacityLimiter | None = None
        self._waiting: Counter[bool] = Counter()

    async def answer(self, request: Request, path: str) -> Response:
        """What is answered at ``/login``, ``/login/oidc`` and ``/logout``."""
        if path == "/logout":
            return self._sign_out(request)
        if path == "/login/oidc" and request.method == "GET":
            return self._to_provider(request)
        if path == "/login" and request.method in ("GET", "HEAD"):
            return self._ask(request)
        if path == "/login" and request.method == "POST":
            return await self._try(request)
        return pages.message("Not allowed", "This address does not accept this request.", 405)

    def _ask(self, request: Request) -> Response:
        target = safe_next(request.query_params.get("next", ""), self.policy.base)
        if self.policy.visitor(request.cookies) is not None:
            return RedirectResponse(target, 303)
        if self.policy.access.providers and (claims := oidc.claims(request.cookies)):
            return pages.not_listed(self.policy.base, oidc.name_in(claims))
        note = "You are signed out." if "out" in request.query_params else ""
        if request.query_params.get("out") == "here":
            note += " The lab could not save this: a copy of your cookie may be valid again after a restart. Tell the administrator."
        return self._form(target, note=note)

    def _form(self, target: str, **more: Any) -> Response:
        return pages.sign_in(self.policy.base, target, self.policy.access, **more)

    async def _try(self, request: Request) -> Response:
        if not same_origin(request, required=True):
            log.warning("a sign-in from a page of another origin was refused")
            return pages.message("Sign-in refused", NOT_FROM_THERE, 403)
        form = await _form_of(request)
        if form is None:
            unread = pages.message("Not allowed", "The form could not be read.", 400)
            unread.headers["Connection"] = "close"  # what is left of the body is not waited for
            return unread
        target = safe_next(form.get("next", ""), self.policy.base)
        if not self.policy.access.passwords:
            return self._form(target)
        name, address = clean(form.get("name", "")), client_address(request, self.policy.access.proxies)
        if not name:
            return self._form(target, trouble="Enter a name.", status=400)
        cookies = self.policy.session_cookies
        device = cookies.read_device(request.cookies.get(cookies.device_name))
        known = bool(device)
        pace, one = (self.policy.pace_of_devices, device) if known else (self.policy.pace, address)
        wait = 2 if self._waiting[known] >= WAITING else pace.wait(one)
        if wait:
            return self._later(target, name, wait)
        who = name if name in self.policy.access.accounts else SHARED
        if not await self._right(self.policy.access.passwords.get(who, ""), form.get("password", ""), known):
            wait = pace.failed(one)
            log.warning("a wrong password from %s", address)
            if wait:
                return self._later(target, name, wait)
            what = "Name or password is wrong." if self.policy.access.accounts else "The password is wrong."
            return self._form(target, name=name, trouble=what, status=401)
        pace.passed(one)
        answer = RedirectResponse(target, 303)
        keep = form.get("keep") == "yes"
        seconds = SECONDS_KEPT if keep else SECONDS_SIGNED_IN
        give = partial(self._give_cookie, request, answer)
        give(cookies.name, cookies.make(who, name, seconds), self._path, max_age=int(seconds) if keep else None)
        if not known:
            give(cookies.device_name, cookies.make_device(), f"{self.policy.base}/login", expires=SECONDS_KNOWN)
        return answer

    def _give_cookie(
        self, request: Request, answer: Response, name: str, value: str, path: str, **life: int | None
    ) -> None:
        secure = is_https(request, self.policy.access.proxies)
        answer.set_cookie(name, value, path=path, httponly=True, samesite="lax", secure=secure, **life)

    def _later(self, target: str, name: str, wait: int) -> Response:
        time = f"{wait} s" if wait < 120 else f"{round(wait / 60)} minutes"
        text = f"Too many attempts. Try again in {time}."
        return self._form(target, name=name, trouble=text, status=429, retry_after=wait)

    async def _right(self, hashed: str, password: str, known: bool) -> bool:
        self._limiter = self._limiter or anyio.CapacityLimiter(AT_ONCE)
        self._waiting[known] += 1
        try:
            return await anyio.to_thread.run_sync(check_password, hashed, password, limiter=self._limiter)
        finally:
            self._waiting[known] -= 1

    def _to_provider(self, request: Request) -> Response:
        provider = request.query_params.get("provider", "")
        if provider not in self.policy.access.providers:
            return pages.message("Unknown", "This sign-in method does not exist.", 404)
        trouble = oidc.trouble_with(provider)
        if trouble:
            return pages.message("The lab is not ready", trouble, 503)
        answer = RedirectResponse(oidc.start_path(self.policy.base, provider), 303)
        target = safe_next(request.query_params.get("next", ""), self.policy.base)
        self._give_cookie(request, answer, NEXT, target, self._path, max_age=600)
        return answer

    def after_provider(self, request: Request) -> Response | None:
        """On the way back from the provider: on to where the person wanted to go."""
        if NEXT not in request.cookies:
            return None
        answer = RedirectResponse(safe_next(request.cookies[NEXT], self.policy.base), 303)
        answer.delete_cookie(NEXT, path=self._path)
        return answer

    def _sign_out(self, request: Request) -> Response:
        if not same_origin(request, required=False):
            return RedirectResponse(f"{self.policy.base}/", 303)
        by_provider = self.policy.access.providers and oidc.claims(request.cookies)
        trouble = self.policy.sign_out(request.cookies)
        if trouble:
            log.error("somebody signed out, but %s", trouble)
        to_page = "/login?out=here" if trouble else "/login?out"
        answer = RedirectResponse(f"{self.policy.base}{'/auth/logout' if by_provider else to_page}", 303)
        answer.delete_cookie(self.policy.session_cookies.name, path=self._path, httponly=True, samesite="lax")
        return answer

    @property
    def _path(self) -> str:
        return self.policy.base or "/"


async def _form_of(request: Request) -> dict[str, str] | None:
    """The fields of a form, the last of each name; None where it is too large, too slow or no form."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return None
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_FORM:
                return None
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=8, errors="strict")
    except (ClientDisconnect, ValueError):
        return None
    return {name: values[-1] for name, values in fields.items()}
