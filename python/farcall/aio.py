"""The asyncio API will come in a later release; importing it says so."""

raise ImportError(
    "grpc.aio is not available in this release of farcall, which has the synchronous API of grpcio", name=__name__
)
