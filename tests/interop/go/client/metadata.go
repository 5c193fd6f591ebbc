package main

import (
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

func allBytes() string {
	var all []byte
	for i := 0; i < 256; i++ {
		all = append(all, byte(i))
	}
	return string(all)
}

var mixed = []string{
	"first-text", "a b, c;d=%41",
	"first-again", "1",
	"last-text", "!\"#$%&'()~",
	"last-again", "1",
	"last-empty", "",
	"first-all-bin", allBytes(),
	"first-again", "2",
	"last-all-bin", allBytes(),
	"last-again", "2",
	"last-again-bin", "x",
	"last-again-bin", "",
	"last-again-bin", "yz",
}

func expectValues(got, wanted metadata.MD, prefix string) {
	for key, values := range wanted {
		if strings.HasPrefix(key, prefix) {
			expect(slices.Equal(got[key], values), "%s: %q", key, got[key])
		}
	}
}

func expectMixed(first, last metadata.MD) {
	expectValues(first, metadata.Pairs(mixed...), "first-")
	expectValues(last, metadata.Pairs(mixed...), "last-")
}

func metadataUnary() {
	var first, last metadata.MD
	_, err := ask([]byte("x"), mixed, grpc.Header(&first), grpc.Trailer(&last))
	expectCode(err, codes.OK)
	expectMixed(first, last)
}

func metadataOf(method string) func() {
	return func() {
		s := open(method, mixed)
		s.send([]byte("x"), 1)
		s.CloseSend()
		first, err := s.Header()
		expectCode(err, codes.OK)
		messages, _, err := s.rest()
		expectCode(err, codes.OK)
		expect(messages == 1, "%d messages", messages)
		expectMixed(first, s.Trailer())
	}
}

func metadataBeforeMessages() {
	s := open("Both", mixed)
	first, err := s.Header()
	expectCode(err, codes.OK)
	expectValues(first, metadata.Pairs(mixed...), "first-")
	s.CloseSend()
	s.expectRest(0, 0)
}

func metadataWithAnError() {
	var last metadata.MD
	_, err := ask([]byte("x"), []string{"want-code", "9", "last-text", "why"}, grpc.Trailer(&last))
	expectCode(err, codes.FailedPrecondition)
	expect(slices.Equal(last["last-text"], []string{"why"}), "%v", last)
}

// grpc-go itself refuses to send more than the server takes.
func metadataRequestTooLarge() {
	_, err := ask([]byte("x"), []string{"large", strings.Repeat("m", 20000)})
	expect(err != nil, "it was sent")
	expectAlive()
}

// This client takes 16 MiB.
func metadataResponseLarge() {
	var last metadata.MD
	_, err := ask([]byte("x"), []string{"want-last-bytes", "100000"}, grpc.Trailer(&last))
	expectCode(err, codes.OK)
	expect(len(last["last-filler"]) == 1 && len(last["last-filler"][0]) == 100000, "not all of it came")
}

var metadataCases = []testCase{
	{"metadata_unary", metadataUnary},
	{"metadata_down", metadataOf("Down")},
	{"metadata_up", metadataOf("Up")},
	{"metadata_both", metadataOf("Both")},
	{"metadata_first_before_messages", metadataBeforeMessages},
	{"metadata_with_an_error", metadataWithAnError},
	{"metadata_request_too_large", metadataRequestTooLarge},
	{"metadata_response_of_100000_bytes", metadataResponseLarge},
}
