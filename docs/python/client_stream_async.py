"""A stream of requests that goes on by itself, while the program does something else."""

import queue
import sys
import threading

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)
    measured = queue.SimpleQueue()
    over = threading.Event()

    # iter(get, None) ends with the first None.
    call = stub.Record.future(iter(measured.get, None), timeout=10)
    call.add_done_callback(lambda done: over.set())
    for name, latitude in (("Suva", -18.14), ("Oslo", 59.91), ("Quito", -0.18)):
        measured.put(places_pb2.Place(name=name, latitude=latitude))
    print("running:", call.running())
    measured.put(None)

    over.wait(10)
    summary = call.result()
    print(summary.places, summary.northernmost, call.code().name)
