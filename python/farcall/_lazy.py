"""Names of the package that are loaded when they are first asked for, and the module in which each lies."""

import sys

_FUNCTIONS = {
    "_channel_credentials": (
        "access_token_call_credentials",
        "composite_call_credentials",
        "composite_channel_credentials",
        "compute_engine_channel_credentials",
        "local_channel_credentials",
        "metadata_call_credentials",
        "ssl_channel_credentials",
    ),
    "_runtime_protos": ("protos", "protos_and_services", "services"),
    "_server": ("_create_servicer_context",),
    "_server_credentials": (
        "dynamic_ssl_server_credentials",
        "insecure_server_credentials",
        "local_server_credentials",
        "ssl_server_certificate_configuration",
        "ssl_server_credentials",
    ),
    "_unavailable": (
        "alts_channel_credentials",
        "alts_server_credentials",
        "xds_channel_credentials",
        "xds_server_credentials",
    ),
}
_HOME = {name: module for module, names in _FUNCTIONS.items() for name in names}
_MODULES = {
    "_auth",
    "_channel",
    "_common",
    "_compression",
    "_cython",
    "_interceptor",
    "_runtime_protos",
    "_server",
    "_simple_stubs",
    "_typing",
    "_utilities",
    "aio",
    "beta",
    "experimental",
    "framework",
}


def names():
    """What attribute() can find."""
    return _HOME.keys() | _MODULES


def attribute(package, name):
    """Loads what the package calls `name` and keeps it there, so that this happens once."""
    from importlib import import_module

    if name in _HOME:
        value = getattr(import_module(f"{package}.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{package}.{name}")
    else:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    setattr(sys.modules[package], name, value)
    return value
