"""The password of Azure Database for PostgreSQL where it signs in by Microsoft Entra: a token, valid for about an hour.

https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-connect-with-managed-identity
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from rollout.azure.credentials import from_environment
from rollout.azure.errors import from_exception

SCOPE: Final = "https://ossrdbms-aad.database.windows.net/.default"


def database_token(environment: Mapping[str, str] | None = None, *, ca_bundle: str | None = None) -> Callable[[], str]:
    """Fetches a token whenever it is asked for one; azure-identity keeps it as long as it is valid. Who signs in is
    chosen as for Resource Manager. Raises SignInError, at once where nobody can, and when a token is refused."""
    source = from_environment(environment, ca_bundle=ca_bundle)

    def token() -> str:
        try:
            return source.get_token(SCOPE).token
        except Exception as error:
            raise from_exception(error, "sign in to the database") from None

    return token
