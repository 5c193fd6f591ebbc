"""Packages that build on grpcio, unmodified, on farcall as grpc; and code of old and new generators.

They run in programs of their own, because the name grpc stays farcall's for the rest of a process.
"""

import shutil
import subprocess
import sys

import pytest

PROTO = """
syntax = "proto3";
package zone;
service Zones { rpc Find(Name) returns (Zone); rpc All(Name) returns (stream Zone); }
message Name { string text = 1; }
message Zone { string name = 1; int32 minutes = 2; }
"""

START = """
import sys
sys.path.insert(0, sys.argv[1])
import farcall
farcall.install_as_grpc()
import grpc
from concurrent import futures

def serve(*adders):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    for add in adders:
        add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, grpc.insecure_channel(f"127.0.0.1:{port}")
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The code for PROTO from the newest generator."""
    folder = tmp_path_factory.mktemp("zone")
    (folder / "zone.proto").write_text(PROTO)
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", "--python_out=.", "--grpc_python_out=.", "zone.proto"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


@pytest.fixture
def on_farcall(run, generated):
    """on_farcall(program): runs it after START; the program's output, which must be all that it wrote."""

    def run_on_farcall(program, folder=None, **options):
        return run(START + program, folder or generated, **options).silent()

    return run_on_farcall


def test_health_checking(on_farcall):
    said = on_farcall("""
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
servicer = health.HealthServicer(
    experimental_non_blocking=True, experimental_thread_pool=futures.ThreadPoolExecutor(2)
)
server, channel = serve(lambda server: health_pb2_grpc.add_HealthServicer_to_server(servicer, server))
stub = health_pb2_grpc.HealthStub(channel)
servicer.set("db", health_pb2.HealthCheckResponse.NOT_SERVING)
print(stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status)
watch = stub.Watch(health_pb2.HealthCheckRequest(service="db"), timeout=20)
print(next(watch).status)
servicer.set("db", health_pb2.HealthCheckResponse.SERVING)
print(next(watch).status)
watch.cancel()
try:
    stub.Check(health_pb2.HealthCheckRequest(service="none"), timeout=5)
except grpc.RpcError as error:
    print(error.code().name)
servicer.enter_graceful_shutdown()
print(stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status)
server.stop(None).wait()
""")
    assert said == "1\n2\n1\nNOT_FOUND\n2\n"


def test_reflection(on_farcall):
    said = on_farcall("""
import zone_pb2, zone_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
names = [zone_pb2.DESCRIPTOR.services_by_name["Zones"].full_name, reflection.SERVICE_NAME]
server, channel = serve(lambda server: reflection.enable_server_reflection(names, server))
database = ProtoReflectionDescriptorDatabase(channel)
print(*sorted(database.get_services()))
print(database.FindFileContainingSymbol("zone.Zones").message_type[1].name)
""")
    assert said == "grpc.reflection.v1alpha.ServerReflection zone.Zones\nZone\n"


def test_status(on_farcall):
    said = on_farcall("""
import zone_pb2, zone_pb2_grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

class Zones(zone_pb2_grpc.ZonesServicer):
    def Find(self, request, context):
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.ErrorInfo(reason="unknown", domain="zones"))
        status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="no such zone", details=[detail])
        context.abort_with_status(rpc_status.to_status(status))

server, channel = serve(lambda server: zone_pb2_grpc.add_ZonesServicer_to_server(Zones(), server))
stub = zone_pb2_grpc.ZonesStub(channel)
try:
    stub.Find(zone_pb2.Name(text="x"), timeout=5)
except grpc.RpcError as error:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    print(status.code, status.message, info.reason)
try:
    next(stub.All(zone_pb2.Name(), timeout=5))
except grpc.RpcError as error:
    print(error.code().name, error.details(), rpc_status.from_call(error))
""")
    assert said == "5 no such zone unknown\nUNIMPLEMENTED Method not implemented! None\n"


def test_testing(on_farcall):
    said = on_farcall("""
import threading
import grpc_testing
import zone_pb2, zone_pb2_grpc
service = zone_pb2.DESCRIPTOR.services_by_name["Zones"]
clock = grpc_testing.strict_real_time()
channel = grpc_testing.channel([service], clock)
answers = []
caller = threading.Thread(target=lambda: answers.append(zone_pb2_grpc.ZonesStub(channel).Find(zone_pb2.Name(text="a"))))
caller.start()
metadata, request, rpc = channel.take_unary_unary(service.methods_by_name["Find"])
rpc.send_initial_metadata(())
rpc.terminate(zone_pb2.Zone(name=request.text, minutes=60), (), grpc.StatusCode.OK, "")
caller.join()
print(answers[0].name, answers[0].minutes)

class Zones(zone_pb2_grpc.ZonesServicer):
    def Find(self, request, context):
        return zone_pb2.Zone(name=request.text * 2)

server = grpc_testing.server_from_dictionary({service: Zones()}, clock)
rpc = server.invoke_unary_unary(service.methods_by_name["Find"], (), zone_pb2.Name(text="b"), None)
response, trailing, code, details = rpc.termination()
print(response.name, code.name)
""")
    assert said == "a 60\nbb OK\n"


SERVICE = """
import zone_pb2, zone_pb2_grpc

class Zones(zone_pb2_grpc.ZonesServicer):
    def Find(self, request, context):
        return zone_pb2.Zone(name=request.text, minutes=60)
    def All(self, request, context):
        for minutes in range(3):
            yield zone_pb2.Zone(minutes=minutes)

server, channel = serve(lambda server: zone_pb2_grpc.add_ZonesServicer_to_server(Zones(), server))
stub = zone_pb2_grpc.ZonesStub(channel)
print(stub.Find(zone_pb2.Name(text="n"), timeout=5).minutes, *[z.minutes for z in stub.All(zone_pb2.Name(), timeout=5)])
"""


def test_code_of_the_newest_generator(on_farcall, generated):
    assert "first_version_is_lower" in (generated / "zone_pb2_grpc.py").read_text()
    assert on_farcall(SERVICE) == "60 0 1 2\n"


def test_functions_of_generated_code_need_no_channel(on_farcall):
    said = on_farcall(SERVICE + """
import warnings
warnings.simplefilter("ignore")
port = server.add_insecure_port("127.0.0.1:0")
find = zone_pb2_grpc.Zones.Find(zone_pb2.Name(text="f"), f"127.0.0.1:{port}", insecure=True)
print(find.name)
""")
    assert said == "60 0 1 2\nf\n"


def test_code_of_an_old_generator(on_farcall, generated, tmp_path):
    """Debian's generator is of 1.51: it asks for no version, and registers no methods."""
    plugin = shutil.which("grpc_python_plugin")
    if plugin is None:
        pytest.fail("protobuf-compiler-grpc is not installed: run scripts/setup.sh python")
    shutil.copytree(generated, tmp_path, dirs_exist_ok=True)
    command = ["protoc", "-I.", f"--plugin=protoc-gen-grpc_python={plugin}", "--grpc_python_out=.", "zone.proto"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert "first_version_is_lower" not in (tmp_path / "zone_pb2_grpc.py").read_text()
    assert on_farcall(SERVICE, tmp_path) == "60 0 1 2\n"


def test_code_of_2016_finds_what_it_imports(on_farcall):
    said = on_farcall("""
from grpc.beta import implementations as beta_implementations
from grpc.beta import interfaces as beta_interfaces
from grpc.framework.common import cardinality
from grpc.framework.interfaces.face import utilities as face_utilities
print(cardinality.Cardinality.UNARY_UNARY.name)
try:
    beta_implementations.dynamic_stub(None, "x", {}, None)
except NotImplementedError as error:
    print(error)
""")
    assert said.startswith("UNARY_UNARY\ngrpc.beta is not available in farcall")


def test_stubs_made_at_run_time(on_farcall):
    said = on_farcall("""
protos, services = grpc.protos_and_services("zone.proto")
print(protos.Zone(name="z").name, services.ZonesStub.__name__)
print(grpc.protos("zone.proto") is protos)
""")
    assert said == "z ZonesStub\nTrue\n"


def test_without_its_tools_a_stub_cannot_be_made(run):
    said = run("""
        import sys
        sys.modules["grpc_tools"] = None
        import farcall
        for make in (farcall.protos, farcall.services, farcall.protos_and_services):
            try:
                make("zone.proto")
            except NotImplementedError as error:
                print(error)
    """).silent()
    assert said.splitlines()[0] == "Install the grpcio-tools package (1.32.0+) to use the protos function."
    assert len(said.splitlines()) == 3


IMPORTS_OF_PACKAGES = """
from grpc import aio
from grpc.aio import AioRpcError, insecure_channel
from grpc.aio._base_call import Call
from grpc.aio._call import UnaryUnaryCall
from grpc.aio._interceptor import UnaryStreamCall
from grpc.aio._metadata import Metadata
from grpc.aio._typing import RequestType
from grpc.experimental import aio as experimental
assert experimental.Server is aio.Server and Metadata is aio.Metadata
"""


def test_packages_import_the_names_of_asyncio_in_silence(on_farcall, tmp_path):
    (tmp_path / "package.py").write_text(IMPORTS_OF_PACKAGES)
    assert on_farcall(f"sys.path.insert(0, {str(tmp_path)!r})\nimport package\nprint(grpc.aio is package.aio)") == "True\n"


@pytest.mark.parametrize("statement", ["import grpc.aio", "from grpc.experimental import aio", "grpc.aio"])
def test_a_program_that_imports_asyncio_is_told_that_it_is_not_there(run, statement):
    said = run(f"import farcall\nfarcall.install_as_grpc()\nimport grpc\n{statement}\n")
    assert said.err.count("grpc.aio is not available in this release of farcall") == 1
    assert "RuntimeWarning" in said.err


def test_asking_for_asyncio_says_that_it_is_not_there(on_farcall):
    said = on_farcall("""
import warnings
warnings.simplefilter("ignore")
from grpc.experimental import aio
print(len(aio.__all__), isinstance(object(), aio.Server), bool(aio.EOF))
class Own(aio.ClientInterceptor):
    pass
for make in (aio.server, aio.Metadata, lambda: aio.insecure_channel("x"), Own):
    try:
        make()
    except NotImplementedError as error:
        print(str(error).partition(" is")[0])
""")
    assert said == "33 False False\ngrpc.aio.server\ngrpc.aio.Metadata\ngrpc.aio.insecure_channel\ngrpc.aio.Own\n"
