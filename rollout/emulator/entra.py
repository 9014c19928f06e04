"""A token endpoint for which `azure-identity` needs no change: client credentials in, signed bearer tokens out.

Tokens live in real time, not in the service's: their life is counted by the client's own clock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from rollout.emulator.answers import Answer, JsonObject, Rejected, plain
from rollout.emulator.principals import object_id

ARM_AUDIENCES: Final = ("https://management.azure.com", "https://management.core.windows.net")
ML_AUDIENCES: Final = ("https://ml.azure.com",)
MONITOR_AUDIENCES: Final = (
    "https://metrics.monitor.azure.com",
    "https://api.loganalytics.io",
    "https://api.loganalytics.azure.com",
)
TOKEN_SECONDS: Final = 3600
_LOOPBACK: Final = re.compile(r"https://127\.0\.0\.1(:\d+)?")
"""azure-ai-ml takes the Resource Manager of the first cloud it met in a process for the audience of all later ones, so
with several emulators in a process the port may be another's. Only our own signature makes a token good."""
_NONE: Final = re.compile(r"(?!)")
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Entra:
    """Issues and checks tokens. `clients` gives an application's secret, or None for one that nobody knows.

    `secret` signs the tokens; nothing here is ever logged.
    """

    def __init__(self, base_url: str, tenant_id: str, clients: Callable[[str], str | None], secret: bytes) -> None:
        self._base_url = base_url
        self._tenant = tenant_id
        self._clients = clients
        self._secret = secret

    def configuration(self, tenant: str) -> JsonObject:
        """OpenID configuration of a tenant."""
        root = f"{self._base_url}/{tenant}"
        version = "/oauth2" if tenant.lower() == "adfs" else "/oauth2/v2.0"
        return {
            "issuer": f"{root}/v2.0" if tenant.lower() != "adfs" else root,
            "authorization_endpoint": f"{root}{version}/authorize",
            "token_endpoint": f"{root}{version}/token",
            "device_authorization_endpoint": f"{root}{version}/devicecode",
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "response_types_supported": ["code", "id_token", "token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["HS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "tenant_region_scope": None,
            "cloud_instance_name": "127.0.0.1",
        }

    def instance_discovery(self) -> JsonObject:
        """What a client that does not know this authority is told: it is one, and where its configuration is."""
        host = self._base_url.removeprefix("https://")
        return {
            "tenant_discovery_endpoint": f"{self._base_url}/{self._tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }

    def token(self, form: Mapping[str, str], real_now: float, life: int = TOKEN_SECONDS) -> Answer:
        """POST of a token request. A client assertion (federated identity) is accepted unread: nothing signed it."""
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
        client = form.get("client_id", "")
        expected = self._clients(client)
        if expected is None:
            return _oauth_error(400, "unauthorized_client", 700016, "Application not found in the directory.")
        asserted = form.get("client_assertion_type") == _ASSERTION and form.get("client_assertion")
        if not asserted and not hmac.compare_digest(form.get("client_secret", "").encode(), expected.encode()):
            return _oauth_error(401, "invalid_client", 7000215, "Invalid client secret provided.")
        audience = (form.get("scope") or form.get("resource") or "").split(" ")[0].removesuffix("/.default")
        body = {
            "token_type": "Bearer",
            "expires_in": life,
            "ext_expires_in": life,
            "access_token": self.issue(client, audience, real_now, life),
        }
        return Answer(200, body)

    def issue(self, client: str, audience: str, real_now: float, life: int = TOKEN_SECONDS) -> str:
        """A token of an application for an audience; real time in epoch seconds."""
        claims = {
            "aud": audience.rstrip("/"),
            "iss": f"{self._base_url}/{self._tenant}/v2.0",
            "tid": self._tenant,
            "appid": client,
            "oid": object_id(client),
            "iat": int(real_now),
            "exp": int(real_now) + life,
        }
        head = _encode(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
        payload = _encode(json.dumps(claims).encode())
        return f"{head}.{payload}.{self._signature(f'{head}.{payload}')}"

    def check_arm(self, authorization: str | None, real_now: float) -> Rejected | None:
        """None for a good bearer token for Resource Manager; else the refusal that it gives (401)."""
        return self._check(authorization, real_now, ARM_AUDIENCES, _LOOPBACK)

    def check_monitor(self, authorization: str | None, real_now: float) -> Rejected | None:
        """The same for Azure Monitor's own addresses: metrics and logs."""
        return self._check(authorization, real_now, (*MONITOR_AUDIENCES, *ARM_AUDIENCES), _LOOPBACK)

    def accepts_scoring(self, authorization: str | None, real_now: float) -> bool:
        """Whether that is a good Entra token for the data plane."""
        return self._check(authorization, real_now, ML_AUDIENCES) is None

    def client(self, authorization: str) -> str:
        """The application that a good token was issued to."""
        claims = self._claims(authorization.removeprefix("Bearer ").strip())
        assert claims is not None, "the token was checked"
        found: str = claims["appid"]
        return found

    def _check(
        self, authorization: str | None, real_now: float, audiences: tuple[str, ...], pattern: re.Pattern[str] = _NONE
    ) -> Rejected | None:
        if not authorization:
            return plain(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        claims = self._claims(authorization.removeprefix("Bearer ").strip())
        if claims is None:
            return plain(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if claims["exp"] <= real_now:
            return plain(
                401,
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.",
            )
        if claims["aud"] not in audiences and not pattern.fullmatch(claims["aud"]):
            return plain(
                401,
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'.",
            )
        return None

    def _claims(self, token: str) -> dict[str, Any] | None:
        signed, _, signature = token.rpartition(".")
        if not signed or not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        payload = signed.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    def _signature(self, text: str) -> str:
        return _encode(hmac.new(self._secret, text.encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _oauth_error(status: int, error: str, number: int, text: str) -> Answer:
    return Answer(
        status,
        {"error": error, "error_description": f"AADSTS{number}: {text}", "error_codes": [number]},
    )
