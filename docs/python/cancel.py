"""Cancelling from another thread ends every wait for the call."""

import sys
import threading

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)

    silence = threading.Event()
    notes = stub.Chat(iter(silence.wait, True))  # says nothing, so nothing is answered
    notes.add_callback(silence.set)  # lets the iterator end, too
    threading.Timer(0.1, notes.cancel).start()
    try:
        next(notes)
    except grpc.RpcError as error:
        print(error.code().name, error.details())
    print(notes.cancelled(), notes.is_active())

    call = stub.Find.future(places_pb2.Name(text="Oslo", delay_ms=60_000))
    threading.Timer(0.1, call.cancel).start()
    try:
        call.result()
    except grpc.FutureCancelledError:
        print(call.code().name)
