"""The small things of grpc.experimental."""

from __future__ import annotations

import enum

from .._typing_base import TYPE_CHECKING
from ._warn import ExperimentalApiWarning, experimental_api

__all__ = (
    "ChannelOptions",
    "CustomPrivateKeySign",
    "ExperimentalApiWarning",
    "PrivateKeySignCancel",
    "PrivateKeySignOnComplete",
    "PrivateKeySignatureAlgorithm",
    "UsageError",
    "ssl_channel_credentials_with_custom_signer",
    "wrap_server_method_handler",
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from .._abc import RpcMethodHandler

    PrivateKeySignCancel = Callable[[], None]
    PrivateKeySignOnComplete = Callable[[bytes | Exception], None]
    CustomPrivateKeySign = Callable[
        [bytes, "PrivateKeySignatureAlgorithm", PrivateKeySignOnComplete], bytes | PrivateKeySignCancel
    ]
else:
    # Types of functions, for annotations: any callable will do.
    PrivateKeySignCancel = PrivateKeySignOnComplete = CustomPrivateKeySign = object


class ChannelOptions:
    """Names of channel options that only Python knows.

    SingleThreadedUnaryStream: responses of a unary-stream call are read by the thread that iterates. farcall
    always does so, and takes the option for what it is.
    """

    SingleThreadedUnaryStream = "SingleThreadedUnaryStream"


class UsageError(Exception):
    """The API was used in a way that it does not allow."""


class PrivateKeySignatureAlgorithm(enum.IntEnum):
    """How a custom signer is to sign: the number of TLS 1.3's SignatureScheme (RFC 8446, 4.2.3)."""

    RSA_PKCS1_SHA256 = 0x0401
    RSA_PKCS1_SHA384 = 0x0501
    RSA_PKCS1_SHA512 = 0x0601
    ECDSA_SECP256R1_SHA256 = 0x0403
    ECDSA_SECP384R1_SHA384 = 0x0503
    ECDSA_SECP521R1_SHA512 = 0x0603
    RSA_PSS_RSAE_SHA256 = 0x0804
    RSA_PSS_RSAE_SHA384 = 0x0805
    RSA_PSS_RSAE_SHA512 = 0x0806


def wrap_server_method_handler(
    wrapper: Callable[[Any], Any], handler: RpcMethodHandler[Any, Any] | None
) -> RpcMethodHandler[Any, Any] | None:
    """Makes a handler whose function is `wrapper(function)`; of None it makes None."""
    if not handler:
        return None
    request = "stream" if handler.request_streaming else "unary"
    response = "stream" if handler.response_streaming else "unary"
    kind = f"{request}_{response}"
    return handler._replace(**{kind: wrapper(getattr(handler, kind))})


@experimental_api
def ssl_channel_credentials_with_custom_signer(
    *,
    private_key_sign_fn: CustomPrivateKeySign,
    root_certificates: bytes | None = None,
    certificate_chain: bytes,
) -> NoReturn:
    """Raises NotImplementedError: a private key that a function signs with is not available."""
    raise NotImplementedError("Custom signers are not available in farcall: use ssl_channel_credentials")
