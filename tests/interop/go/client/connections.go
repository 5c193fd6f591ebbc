package main

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

func deadlinePasses() {
	ctx, cancel := within(0.2, "id", "go-deadline")
	defer cancel()
	var response []byte
	begin := time.Now()
	request := []byte("x")
	expectCode(conn.Invoke(ctx, service+"Wait", &request, &response), codes.DeadlineExceeded)
	took := time.Since(begin)
	expect(took > 190*time.Millisecond && took < 1500*time.Millisecond, "it took %v", took)
	expectNoticed("go-deadline")
}

func slowHandler() {
	ctx, cancel := within(0.15, "want-delay-ms", "600")
	defer cancel()
	request := []byte("x")
	expectCode(conn.Invoke(ctx, service+"Unary", &request, &request), codes.DeadlineExceeded)
	expectAlive()
}

func seenDeadline(ctx context.Context) int {
	var last metadata.MD
	request := []byte("x")
	expectCode(conn.Invoke(ctx, service+"Unary", &request, &request, grpc.Trailer(&last)), codes.OK)
	if values := last["saw-deadline-ms"]; len(values) > 0 {
		ms, _ := strconv.Atoi(values[0])
		return ms
	}
	return -1
}

func serverSeesTheDeadline() {
	ctx, cancel := within(5)
	defer cancel()
	ms := seenDeadline(ctx)
	expect(ms > 3000 && ms <= 5000, "the server saw %d ms", ms)
}

func serverSeesNoDeadline() {
	ms := seenDeadline(context.Background())
	expect(ms == -1, "the server saw %d ms", ms)
}

func cancelUnary() {
	ctx, cancel := within(30, "id", "go-cancel")
	time.AfterFunc(100*time.Millisecond, cancel)
	request := []byte("x")
	expectCode(conn.Invoke(ctx, service+"Wait", &request, &request), codes.Canceled)
	expectNoticed("go-cancel")
}

func cancelStream() {
	s := open("Both", []string{"id", "go-stream"})
	s.send([]byte("x"), 1)
	s.next([]byte("x"))
	s.cancel()
	_, _, err := s.rest()
	expectCode(err, codes.Canceled)
	expectNoticed("go-stream")
}

func leaveStream() {
	s := open("Down", []string{"want-count", "1000", "want-size", "100000", "id", "go-leave"})
	s.send([]byte("x"), 1)
	s.CloseSend()
	var message []byte
	expectCode(s.RecvMsg(&message), codes.OK)
	s.cancel()
	expectNoticed("go-leave")
}

// grpc-go pings every 10 s at most.
func keepaliveOfTenSeconds() {
	pinging := connect(target, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Second, Timeout: 5 * time.Second}))
	defer pinging.Close()
	_, err := askOn(pinging, "Unary", []byte("x"), []string{"want-delay-ms", "11000"})
	expectCode(err, codes.OK)
}

func stopServer(awayMs string) {
	_, err := askOn(conn, "Stop", []byte(awayMs), nil)
	expectCode(err, codes.OK)
}

func gracefulStop() {
	s := open("Both", nil)
	s.send([]byte("x"), 1)
	s.next([]byte("x"))
	slow := make(chan error)
	go func() {
		_, err := ask([]byte("x"), []string{"want-delay-ms", "700"})
		slow <- err
	}()
	time.Sleep(200 * time.Millisecond)
	stopServer("300")
	expectCode(<-slow, codes.OK)
	s.send([]byte("x"), 1)
	s.next([]byte("x"))
	s.CloseSend()
	s.expectRest(0, 0)
	_, err := ask([]byte("x"), nil, grpc.WaitForReady(true))
	expectCode(err, codes.OK)
}

func waitForReady() {
	stopServer("1000")
	begin := time.Now()
	for time.Since(begin) < 900*time.Millisecond {
		if _, err := ask([]byte("x"), nil); err != nil {
			break
		}
	}
	_, err := ask([]byte("x"), nil)
	expectCode(err, codes.Unavailable)
	other := connect(target)
	defer other.Close()
	_, err = askOn(other, "Unary", []byte("x"), nil, grpc.WaitForReady(true))
	expectCode(err, codes.OK)
	_, err = ask([]byte("x"), nil, grpc.WaitForReady(true))
	expectCode(err, codes.OK)
}

var connectionCases = []testCase{
	{"deadline_passes", deadlinePasses},
	{"slow_handler", slowHandler},
	{"server_sees_the_deadline", serverSeesTheDeadline},
	{"server_sees_no_deadline", serverSeesNoDeadline},
	{"cancel_unary", cancelUnary},
	{"cancel_stream", cancelStream},
	{"leave_stream", leaveStream},
	{"keepalive", keepaliveOfTenSeconds},
	{"graceful_stop", gracefulStop},
	{"wait_for_ready", waitForReady},
}
