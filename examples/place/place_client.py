"""The tour of place_client.c with the official grpcio: it asks the same and prints the same.

    place_client.py [--tls FOLDER] [target]        with place_server, or place_server.py
"""
import pathlib
import sys
import time

import grpc

import place_pb2
import place_pb2_grpc

TIMEOUT = 5
ROUTE = ("London", "Istanbul", "Tehran", "Kolkata", "Singapore", "Sydney")
NOTES = (
    ("Paris", "Ann", "Is the tower still there?"),
    ("Tokyo", "Bo", "The trains run to the second."),
    ("Paris", "Cy", "It is, and so is the queue."),
    ("Tokyo", "Ann", "Then I shall be late."),
    ("Paris", "Bo", "Come to Tokyo, it is quicker."),
)


def point_text(point):
    return "%6.2f %s %7.2f %s" % (
        abs(point.latitude), "S" if point.latitude < 0 else "N",
        abs(point.longitude), "W" if point.longitude < 0 else "E")


def print_place(place):
    print("  %-20s %s  %s%s" % (place.name, point_text(place.location), ",".join(place.countries),
                                "  " + place.comment if place.comment else ""))


def lookup(stub, name):
    print("Where is %s?" % name)
    print_place(stub.Lookup(place_pb2.Name(name=name), timeout=TIMEOUT))


def list_in_rectangle(stub, south_west, north_east):
    print("What lies between %s and %s?" % (point_text(south_west), point_text(north_east)))
    rectangle = place_pb2.Rectangle(south_west=south_west, north_east=north_east)
    for place in stub.ListInRectangle(rectangle, timeout=TIMEOUT):
        print_place(place)


def record_route(stub, stops):
    print("How long is the way by %s?" % ", ".join(stops))
    route = stub.RecordRoute((place_pb2.Name(name=stop) for stop in stops), timeout=TIMEOUT)
    print("  %.1f km by %d places; the longest leg is from %s to %s, %.1f km" % (
        route.km, route.places, route.longest_from, route.longest_to, route.longest_km))


def chat(stub):
    print("Ann, Bo and Cy leave notes. What do they find?")
    notes = (place_pb2.Note(place=place, author=author, text=text) for place, author, text in NOTES)
    for note in stub.Chat(notes, timeout=TIMEOUT):
        print("  %s, %s: %s" % (note.place, note.author, note.text))


def timed(ask, *args):
    """Runs one part of the tour; gives the code of its failure, if it failed."""
    start = time.perf_counter()
    code = None
    try:
        ask(*args)
    except grpc.RpcError as error:
        code = error.code()
        print("  %s: %s" % (code.name, error.details()))
    print("  took %.2f ms\n" % ((time.perf_counter() - start) * 1e3))
    return code


def open_channel(target, tls_folder):
    if tls_folder is None:
        return grpc.insecure_channel(target)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(*(
        pathlib.Path(tls_folder, name).read_bytes() for name in ("ca.pem", "client.key", "client.pem"))))


def main(target="127.0.0.1:50051", tls_folder=None):
    with open_channel(target, tls_folder) as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        stub = place_pb2_grpc.AtlasStub(channel)
        return [
            timed(lookup, stub, "Kolkata"),
            timed(lookup, stub, "Atlantis"),
            timed(list_in_rectangle, stub, place_pb2.Point(latitude=-25, longitude=-180),
                  place_pb2.Point(latitude=0, longitude=-130)),
            timed(record_route, stub, ROUTE),
            timed(chat, stub),
        ] != [None, grpc.StatusCode.NOT_FOUND, None, None, None]


if __name__ == "__main__":
    args = sys.argv[1:]
    folder = args[1] if args[:1] == ["--tls"] else None
    sys.exit(main(*args[2 if folder else 0:], tls_folder=folder))
