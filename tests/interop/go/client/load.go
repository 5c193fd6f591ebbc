package main

import (
	"bytes"
	"strconv"
	"sync"

	"google.golang.org/grpc/codes"
)

const mib = 1 << 20

func large() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 3*mib/16) }

func largeBoth() {
	s := open("Both", nil)
	for i := 0; i < 3; i++ {
		s.send(large(), 1)
		s.next(large())
	}
	s.CloseSend()
	s.expectRest(0, 0)
}

func requestTooLarge() {
	_, err := ask(make([]byte, 4*mib+1), nil)
	expectCode(err, codes.ResourceExhausted)
	expectAlive()
}

func responseOf(size int, code codes.Code) func() {
	return func() {
		_, err := ask([]byte("x"), []string{"want-size", strconv.Itoa(size)})
		expectCode(err, code)
		expectAlive()
	}
}

func unreadStream() {
	unread := open("Down", []string{"want-count", "200", "want-size", "100000"})
	unread.send([]byte("x"), 1)
	unread.CloseSend()
	unaryOf(large())()
	largeBoth()
	unread.expectRest(200, 20000000)
}

func thousandCalls() {
	var group sync.WaitGroup
	wrong := make(chan error, 1000)
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(size int) {
			defer group.Done()
			response, err := ask(make([]byte, size), nil)
			if err != nil || len(response) != size {
				wrong <- err
			}
		}(i)
	}
	group.Wait()
	expect(len(wrong) == 0, "%d calls failed", len(wrong))
}

func longBoth() {
	s := open("Both", nil)
	go func() {
		message := make([]byte, 20)
		for i := 0; i < 20000; i++ {
			if s.SendMsg(&message) != nil {
				break
			}
		}
		s.CloseSend()
	}()
	s.expectRest(20000, 400000)
}

var loadCases = []testCase{
	{"large_unary", unaryOf(large())},
	{"large_both", largeBoth},
	{"large_up", upOf(make([]byte, 256*1024), 64, "64 16777216")},
	{"request_too_large", requestTooLarge},
	{"response_too_large", responseOf(4*mib+1, codes.ResourceExhausted)},
	{"response_of_4_mib", responseOf(4*mib, codes.OK)},
	{"unread_stream_stops_no_other", unreadStream},
	{"thousand_calls", thousandCalls},
	{"long_down", downOf("x", "20000", "20", 20000, 400000)},
	{"long_up", upOf(make([]byte, 20), 20000, "20000 400000")},
	{"long_both", longBoth},
}
