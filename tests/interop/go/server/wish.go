package main

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// encodings keeps what the requests of a call were compressed with, for the handler to tell.
type encodings struct{}

type encodingKey struct{}

func (encodings) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, encodingKey{}, new(string))
}

func (encodings) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if header, ok := s.(*stats.InHeader); ok {
		*ctx.Value(encodingKey{}).(*string) = header.Compression
	}
}

func (encodings) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (encodings) HandleConn(context.Context, stats.ConnStats) {}

// wish is what a request's metadata asks of the server.
type wish struct {
	ctx   context.Context
	wants metadata.MD
	last  metadata.MD
}

// begin answers what must be said before the first message.
func begin(ctx context.Context) *wish {
	wants, _ := metadata.FromIncomingContext(ctx)
	w := &wish{ctx: ctx, wants: wants, last: metadata.MD{}}
	first := metadata.MD{}
	for key, values := range wants {
		if strings.HasPrefix(key, "first-") {
			first[key] = values
		}
		if strings.HasPrefix(key, "last-") {
			w.last[key] = values
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		w.last.Set("saw-deadline-ms", strconv.Itoa(int(time.Until(deadline)/time.Millisecond)))
	}
	w.last.Set("saw-encoding", *ctx.Value(encodingKey{}).(*string))
	if tokens := wants["authorization"]; len(tokens) > 0 {
		w.last.Set("saw-authorization", tokens...)
	}
	if n := w.number("want-last-bytes", 0); n > 0 {
		w.last.Set("last-filler", strings.Repeat("f", n))
	}
	if encoding := w.text("want-encoding"); encoding != "" {
		// What the client does not accept is refused here, and then nothing is compressed.
		_ = grpc.SetSendCompressor(ctx, encoding)
	}
	if len(first) > 0 {
		_ = grpc.SendHeader(ctx, first)
	}
	return w
}

func (w *wish) text(key string) string {
	if values := w.wants[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func (w *wish) number(key string, otherwise int) int {
	if number, err := strconv.Atoi(w.text(key)); err == nil {
		return number
	}
	return otherwise
}

func (w *wish) delay() {
	select {
	case <-w.ctx.Done():
	case <-time.After(time.Duration(w.number("want-delay-ms", 0)) * time.Millisecond):
	}
}

func (w *wish) response(request []byte) []byte {
	if size := w.number("want-size", -1); size >= 0 {
		return bytes.Repeat([]byte("r"), size)
	}
	return request
}

// noteIfCancelled waits a little: the requests may end before the context tells that the call was cancelled.
func (w *wish) noteIfCancelled() {
	id := w.text("id")
	if id == "" {
		return
	}
	select {
	case <-w.ctx.Done():
		cancelled.Store(id, true)
	case <-time.After(2 * time.Second):
	}
}

// status ends the call.
func (w *wish) status() error {
	_ = grpc.SetTrailer(w.ctx, w.last)
	if details := w.text("want-details-bin"); details != "" {
		var message spb.Status
		if err := proto.Unmarshal([]byte(details), &message); err != nil {
			return err
		}
		return status.FromProto(&message).Err()
	}
	return status.Error(codes.Code(w.number("want-code", 0)), w.text("want-message-bin"))
}
