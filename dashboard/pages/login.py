"""Signing in by the token that the command printed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from dashboard import access
from dashboard.rendering import page
from dashboard.signing import LASTS_SEC

router = APIRouter()


@router.get("/login")
def ask(request: Request, back: str = "/") -> Response:
    """The form; somebody who is signed in goes on."""
    if access.session(request) is not None:
        return RedirectResponse(access.local(back), 303)
    return page(request, "login.html", back=access.local(back), fault="")


@router.post("/login")
def sign_in(
    request: Request,
    token: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> Response:
    """A cookie that scripts cannot read and other sites cannot send."""
    signer = access.signer(request)
    if not signer.is_token(token.strip()):
        told = "That is not the token. It is printed where `gristmill dashboard` was started."
        return page(request, "login.html", status=403, back=access.local(back), fault=told)
    answer = RedirectResponse(access.local(back), 303)
    answer.set_cookie(
        access.COOKIE, signer.cookie(name), max_age=LASTS_SEC, httponly=True, samesite="strict",
        secure=access.config(request).is_https,
    )  # fmt: skip
    return answer


@router.post("/logout", dependencies=[Depends(access.signed_in_form)])
def sign_out(request: Request) -> Response:
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(access.COOKIE)
    return answer
