package main

import (
	"fmt"
	"strconv"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"farcall/interop/raw"
)

func everyCode() {
	for code := 1; code <= 16; code++ {
		wanted := &spb.Status{
			Code:    int32(code),
			Message: fmt.Sprintf("code %d: 100%% of\n\tnaïve %%41 ✓ 😀", code),
			Details: []*anypb.Any{{TypeUrl: "t", Value: []byte{0, 1}}},
		}
		details, _ := proto.Marshal(wanted)
		_, err := ask([]byte("x"), []string{
			"want-code", strconv.Itoa(code),
			"want-message-bin", wanted.Message,
			"want-details-bin", string(details),
		})
		expect(proto.Equal(status.Convert(err).Proto(), wanted), "%v", err)
	}
}

func codeAfterMessages() {
	s := open("Both", []string{"want-code", "15", "want-message-bin", "later"})
	s.send([]byte("abc"), 3)
	s.CloseSend()
	messages, _, err := s.rest()
	expectCode(err, codes.DataLoss)
	expect(messages == 3 && status.Convert(err).Message() == "later", "%d messages, %v", messages, err)
}

func unimplemented(method string) func() {
	return func() {
		var request, response []byte
		ctx, cancel := within(60)
		defer cancel()
		expectCode(conn.Invoke(ctx, method, &request, &response), codes.Unimplemented)
		expectAlive()
	}
}

func statusWhileSending() {
	s := open("Early", []string{"want-code", "9"})
	message := make([]byte, 100000)
	for i := 0; i < 200; i++ {
		if s.SendMsg(&message) != nil {
			break
		}
	}
	_, _, err := s.rest()
	expectCode(err, codes.FailedPrecondition)
	expectAlive()
}

func okWhileSending() {
	open("Early", nil).expectRest(0, 0)
}

// compressed sends zeros and wants them back; an empty name is no encoding.
func compressed(sent, wanted string) func() {
	return func() {
		zeros := make([]byte, 200000)
		var first metadata.MD
		options := []grpc.CallOption{grpc.Header(&first)}
		if sent != "" {
			options = append(options, grpc.UseCompressor(sent))
		}
		response, err := ask(zeros, []string{"want-encoding", wanted}, options...)
		expectCode(err, codes.OK)
		expectBytes(response, zeros)
	}
}

func compressedStream(name string) func() {
	return func() {
		s := open("Both", []string{"want-encoding", name}, grpc.UseCompressor(name))
		zeros := make([]byte, 200000)
		for i := 0; i < 3; i++ {
			s.send(zeros, 1)
			s.next(zeros)
		}
		s.send(nil, 1)
		s.next(nil)
		s.CloseSend()
		s.expectRest(0, 0)
	}
}

// What this client says it accepts holds, whatever it could read.
func notAccepted() {
	zeros := make([]byte, 200000)
	response, err := ask(zeros, []string{"want-encoding", "gzip"}, experimental.AcceptCompressors("deflate"))
	expectCode(err, codes.OK)
	expectBytes(response, zeros)
}

// A request in an encoding that the server does not know.
func unknownEncoding() {
	encoding.RegisterCompressor(raw.Zlib("odd"))
	_, err := ask(make([]byte, 1000), nil, grpc.UseCompressor("odd"))
	expectCode(err, codes.Unimplemented)
	expect(strings.Contains(err.Error(), "grpc-encoding"), "%v", err)
	expectAlive()
}

var statusCases = []testCase{
	{"every_code", everyCode},
	{"code_after_messages", codeAfterMessages},
	{"unknown_method", unimplemented("/interop.Test/Missing")},
	{"unknown_service", unimplemented("/no.Such/Method")},
	{"status_while_sending", statusWhileSending},
	{"ok_while_sending", okWhileSending},
	{"gzip_unary", compressed("gzip", "gzip")},
	{"deflate_unary", compressed("deflate", "deflate")},
	{"gzip_up_deflate_down", compressed("gzip", "deflate")},
	{"plain_up_gzip_down", compressed("", "gzip")},
	{"gzip_stream", compressedStream("gzip")},
	{"deflate_stream", compressedStream("deflate")},
	{"not_accepted_is_not_sent", notAccepted},
	{"unknown_encoding", unknownEncoding},
}
