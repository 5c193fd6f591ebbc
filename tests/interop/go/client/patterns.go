package main

import (
	"google.golang.org/grpc/codes"
)

func unaryOf(request []byte) func() {
	return func() {
		response, err := ask(request, nil)
		expectCode(err, codes.OK)
		expectBytes(response, request)
	}
}

func downOf(request, count, size string, messages, bytes int) func() {
	return func() {
		s := open("Down", []string{"want-count", count, "want-size", size})
		s.send([]byte(request), 1)
		s.CloseSend()
		s.expectRest(messages, bytes)
	}
}

func upOf(message []byte, count int, answer string) func() {
	return func() {
		s := open("Up", nil)
		s.send(message, count)
		s.CloseSend()
		s.next([]byte(answer))
	}
}

func pingPong() {
	s := open("Both", nil)
	for i := 0; i < 20; i++ {
		message := make([]byte, i*50)
		s.send(message, 1)
		s.next(message)
	}
	s.CloseSend()
	s.expectRest(0, 0)
}

func bothNothing() {
	s := open("Both", nil)
	s.CloseSend()
	s.expectRest(0, 0)
}

func answersBeforeHalfClose() {
	s := open("Both", nil)
	s.send([]byte("one"), 5)
	for i := 0; i < 5; i++ {
		s.next([]byte("one"))
	}
	s.CloseSend()
	s.expectRest(0, 0)
}

func answersAfterHalfClose() {
	s := open("Collect", nil)
	s.send([]byte("one"), 5)
	s.CloseSend()
	s.expectRest(5, 15)
}

var patternCases = []testCase{
	{"unary", unaryOf([]byte("hello"))},
	{"unary_empty", unaryOf(nil)},
	{"down", downOf("x", "10", "100", 10, 1000)},
	{"down_nothing", downOf("x", "0", "100", 0, 0)},
	{"down_empty_messages", downOf("", "10", "0", 10, 0)},
	{"up", upOf(make([]byte, 100), 10, "10 1000")},
	{"up_nothing", upOf(nil, 0, "0 0")},
	{"up_empty_messages", upOf(nil, 10, "10 0")},
	{"both_ping_pong", pingPong},
	{"both_nothing", bothNothing},
	{"answers_before_half_close", answersBeforeHalfClose},
	{"answers_after_half_close", answersAfterHalfClose},
}
