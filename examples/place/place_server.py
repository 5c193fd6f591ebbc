"""The atlas of place_server.c with the official grpcio: it gives the same answers.

    place_server.py [--tls FOLDER] [address [table]]        prints the port, serves until Ctrl-C
"""
import collections
import math
import pathlib
import re
import signal
import sys
import threading
from concurrent import futures

import grpc

import place_pb2
import place_pb2_grpc

TABLE = "/usr/share/zoneinfo/zone1970.tab"
RADIUS_KM = 6371.0088
NOTES_MAX = 256


def degrees(text, degree_digits):
    """One coordinate in ISO 6709: "+4230" or "-0720041"."""
    whole, minutes = int(text[1:degree_digits + 1]), int(text[degree_digits + 1:degree_digits + 3])
    value = whole + minutes / 60 + int(text[degree_digits + 3:] or 0) / 3600
    return -value if text[0] == "-" else value


def load(path):
    with open(path, encoding="utf-8") as table:
        for line in table:
            if line.startswith("#"):
                continue
            countries, coordinates, name, comment = (line.rstrip("\n").split("\t") + [""])[:4]
            latitude, longitude = re.findall("[+-][0-9]+", coordinates)
            yield place_pb2.Place(
                name=name, countries=countries.split(","), comment=comment,
                location=place_pb2.Point(latitude=degrees(latitude, 2),
                                         longitude=degrees(longitude, 3)))


def distance_km(start, end):
    radian = math.pi / 180
    north = math.sin((end.latitude - start.latitude) * radian / 2)
    east = math.sin((end.longitude - start.longitude) * radian / 2)
    chord = north * north + (math.cos(start.latitude * radian) * math.cos(end.latitude * radian) *
                             east * east)
    return 2 * RADIUS_KM * math.asin(math.sqrt(chord))


class Atlas(place_pb2_grpc.AtlasServicer):
    def __init__(self, places):
        self.places = places
        self.by_name = {}
        for place in places:
            for name in (place.name, place.name.rpartition("/")[2]):
                self.by_name.setdefault(name.lower(), place)
        self.notes = collections.deque(maxlen=NOTES_MAX)
        self.lock = threading.Lock()

    def find(self, name, context):
        place = self.by_name.get(name.replace(" ", "_").lower())
        if place is None:
            context.abort(grpc.StatusCode.NOT_FOUND, 'No place is called "%s"' % name)
        return place

    def Lookup(self, request, context):
        return self.find(request.name, context)

    def ListInRectangle(self, request, context):
        low, high = request.south_west, request.north_east
        for place in self.places:
            at = place.location
            if (low.latitude <= at.latitude <= high.latitude and
                    low.longitude <= at.longitude <= high.longitude):
                yield place

    def RecordRoute(self, request_iterator, context):
        route = place_pb2.Route()
        last = None
        for request in request_iterator:
            place = self.find(request.name, context)
            route.places += 1
            if last is not None:
                km = distance_km(last.location, place.location)
                route.km += km
                if km > route.longest_km:
                    route.longest_km = km
                    route.longest_from, route.longest_to = last.name, place.name
            last = place
        return route

    def Chat(self, request_iterator, context):
        for note in request_iterator:
            place = self.find(note.place, context)
            with self.lock:
                earlier = [old for where, old in self.notes if where is place]
                self.notes.append((place, note))
            yield from earlier


def listen(server, address, tls_folder):
    if tls_folder is None:
        return server.add_insecure_port(address)
    key, chain, roots = (
        pathlib.Path(tls_folder, name).read_bytes() for name in ("server.key", "server.pem", "ca.pem"))
    return server.add_secure_port(
        address, grpc.ssl_server_credentials([(key, chain)], roots, require_client_auth=True))


def main(address="127.0.0.1:0", table=TABLE, tls_folder=None):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    place_pb2_grpc.add_AtlasServicer_to_server(Atlas(list(load(table))), server)
    port = listen(server, address, tls_folder)
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    print("listening on port", port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    args = sys.argv[1:]
    folder = args[1] if args[:1] == ["--tls"] else None
    main(*args[2 if folder else 0:], tls_folder=folder)
