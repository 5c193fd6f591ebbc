// The test client of service.md on the official grpc-go: client [-certs FOLDER [-mutual]] TARGET [CASE ...]
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const service = "/interop.Test/"

var (
	target string
	conn   *grpc.ClientConn
	certs  = flag.String("certs", "", "the folder of the certificates; TLS is spoken with it")
	mutual = flag.Bool("mutual", false, "show a certificate too")
)

type failure string

// expect ends the running case when ok is false.
func expect(ok bool, format string, args ...any) {
	if !ok {
		panic(failure(fmt.Sprintf(format, args...)))
	}
}

func expectBytes(got, wanted []byte) {
	expect(bytes.Equal(got, wanted), "%d bytes, other than the %d expected", len(got), len(wanted))
}

func expectCode(err error, code codes.Code) {
	expect(status.Code(err) == code, "%v instead of %v", err, code)
}

func connect(address string, options ...grpc.DialOption) *grpc.ClientConn {
	return dial(address, transportCredentials(), options...)
}

// within gives a context of so many seconds with metadata of keys and values in turn.
func within(seconds float64, pairs ...string) (context.Context, context.CancelFunc) {
	ctx := metadata.NewOutgoingContext(context.Background(), metadata.Pairs(pairs...))
	return context.WithTimeout(ctx, time.Duration(seconds*float64(time.Second)))
}

func askOn(conn *grpc.ClientConn, method string, request []byte, pairs []string, options ...grpc.CallOption) ([]byte, error) {
	ctx, cancel := within(60, pairs...)
	defer cancel()
	var response []byte
	err := conn.Invoke(ctx, service+method, &request, &response, options...)
	return response, err
}

func ask(request []byte, pairs []string, options ...grpc.CallOption) ([]byte, error) {
	return askOn(conn, "Unary", request, pairs, options...)
}

func expectAlive() {
	_, err := ask([]byte("alive"), nil)
	expectCode(err, codes.OK)
}

func expectNoticed(id string) {
	answer, err := askOn(conn, "Noticed", []byte(id), nil)
	expectCode(err, codes.OK)
	expect(string(answer) == "yes", "the server did not notice")
}

// stream is one call with at least one streaming side.
type stream struct {
	grpc.ClientStream
	cancel context.CancelFunc
}

func open(method string, pairs []string, options ...grpc.CallOption) *stream {
	ctx, cancel := within(60, pairs...)
	description := &grpc.StreamDesc{
		ClientStreams: method != "Down",
		ServerStreams: method != "Up",
	}
	s, err := conn.NewStream(ctx, description, service+method, options...)
	expect(err == nil, "%v", err)
	return &stream{s, cancel}
}

func (s *stream) send(message []byte, count int) {
	for i := 0; i < count; i++ {
		err := s.SendMsg(&message)
		expect(err == nil, "send %d: %v", i, err)
	}
}

func (s *stream) next(wanted []byte) {
	var message []byte
	expectCode(s.RecvMsg(&message), codes.OK)
	expectBytes(message, wanted)
}

// rest counts the messages and bytes to the end.
func (s *stream) rest() (messages, size int, err error) {
	var message []byte
	for err = s.RecvMsg(&message); err == nil; err = s.RecvMsg(&message) {
		messages++
		size += len(message)
	}
	if err.Error() == "EOF" {
		err = nil
	}
	s.cancel()
	return
}

func (s *stream) expectRest(messages, size int) {
	gotMessages, gotSize, err := s.rest()
	expectCode(err, codes.OK)
	expect(gotMessages == messages && gotSize == size, "%d messages of %d bytes", gotMessages, gotSize)
}

func run(name string, fn func()) (ok bool) {
	done := make(chan string, 1)
	go func() {
		defer func() {
			if reason := recover(); reason != nil {
				done <- strings.ReplaceAll(fmt.Sprint(reason), "\n", " ")
			}
			close(done)
		}()
		fn()
	}()
	reason := ""
	select {
	case reason = <-done:
	case <-time.After(60 * time.Second):
		reason = "it hangs"
	}
	if reason == "" {
		fmt.Println("ok", name)
	} else {
		fmt.Printf("FAIL %s: %s\n", name, reason)
	}
	return reason == ""
}

// concerns tells whether a case is for channels like this run's, and wanted.
func concerns(name string) bool {
	if strings.HasPrefix(name, "tls_") && *certs == "" || strings.HasPrefix(name, "mutual_") && !*mutual ||
		strings.HasPrefix(name, "clear_") && *certs != "" {
		return false
	}
	return flag.NArg() == 1 || slices.ContainsFunc(flag.Args()[1:], func(pattern string) bool {
		matches, _ := path.Match(pattern, name)
		return matches
	})
}

func main() {
	flag.Parse()
	target = flag.Arg(0)
	conn = connect(target)
	exit := 0
	for _, c := range slices.Concat(patternCases, metadataCases, statusCases, loadCases, connectionCases, securityCases) {
		if !concerns(c.name) {
			continue
		}
		if !run(c.name, c.run) {
			exit = 1
		}
	}
	conn.Close()
	os.Exit(exit)
}

type testCase struct {
	name string
	run  func()
}
