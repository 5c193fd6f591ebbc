"""Authentication plug-ins that send a bearer token."""

from __future__ import annotations

import inspect

from ._abc import AuthMetadataPlugin


def _bearer(token):
    return (("authorization", f"Bearer {token}"),)


class GoogleCallCredentials(AuthMetadataPlugin):
    """Takes tokens from an object with get_access_token(), as oauth2client's credentials are."""

    def __init__(self, credentials):
        self._credentials = credentials
        # Those that sign tokens themselves must be told for whom.
        parameters = inspect.getfullargspec(credentials.get_access_token).args
        self._wants_audience = "additional_claims" in parameters

    def __call__(self, context, callback):
        try:
            token = self._token(context)
        except Exception as error:
            callback(_bearer(None), error)
        else:
            callback(_bearer(token), None)

    def _token(self, context):
        if self._wants_audience:
            claims = {"aud": context.service_url}
            return self._credentials.get_access_token(additional_claims=claims).access_token
        return self._credentials.get_access_token().access_token


class AccessTokenAuthMetadataPlugin(AuthMetadataPlugin):
    """Sends one token with every call."""

    def __init__(self, access_token):
        self._metadata = _bearer(access_token)

    def __call__(self, context, callback):
        callback(self._metadata, None)
