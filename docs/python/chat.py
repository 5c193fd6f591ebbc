"""Streams both ways: one thread listens, another speaks through a queue."""

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
    to_say = queue.SimpleQueue()
    heard = queue.SimpleQueue()
    notes = stub.Chat(iter(to_say.get, None), timeout=10)

    def listen():
        for note in notes:
            heard.put(note.text)

    listener = threading.Thread(target=listen)
    listener.start()
    for text in ("hello", "is anybody there?", "goodbye"):
        to_say.put(places_pb2.Note(text=text))
        print(heard.get(timeout=5))
    to_say.put(None)
    listener.join()
    print(notes.code().name)
