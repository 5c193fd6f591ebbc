// The test server of service.md on the official grpc-go: server [-certs FOLDER [-mutual]]. Prints its port.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"farcall/interop/raw"
)

var (
	cancelled     sync.Map
	awayMs        = make(chan int, 8)
	strictAddress string
)

func respond(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var request []byte
	if err := dec(&request); err != nil {
		return nil, err
	}
	w := begin(ctx)
	defer w.noteIfCancelled()
	w.delay()
	response := w.response(request)
	return &response, w.status()
}

func down(_ any, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	w := begin(stream.Context())
	defer w.noteIfCancelled()
	response := w.response(request)
	for i := 0; i < w.number("want-count", 1); i++ {
		if err := stream.SendMsg(&response); err != nil {
			return err
		}
	}
	return w.status()
}

func up(_ any, stream grpc.ServerStream) error {
	w := begin(stream.Context())
	defer w.noteIfCancelled()
	var request []byte
	messages, bytes := 0, 0
	for stream.RecvMsg(&request) == nil {
		messages++
		bytes += len(request)
	}
	response := []byte(fmt.Sprint(messages, bytes))
	if err := stream.SendMsg(&response); err != nil {
		return err
	}
	return w.status()
}

func both(_ any, stream grpc.ServerStream) error {
	w := begin(stream.Context())
	defer w.noteIfCancelled()
	var request []byte
	for stream.RecvMsg(&request) == nil {
		response := w.response(request)
		if err := stream.SendMsg(&response); err != nil {
			return err
		}
	}
	return w.status()
}

func collect(_ any, stream grpc.ServerStream) error {
	w := begin(stream.Context())
	defer w.noteIfCancelled()
	var request []byte
	var all [][]byte
	for stream.RecvMsg(&request) == nil {
		all = append(all, request)
	}
	for i := range all {
		if err := stream.SendMsg(&all[i]); err != nil {
			return err
		}
	}
	return w.status()
}

func early(_ any, stream grpc.ServerStream) error {
	return begin(stream.Context()).status()
}

func wait(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var request []byte
	if err := dec(&request); err != nil {
		return nil, err
	}
	w := begin(ctx)
	defer w.noteIfCancelled()
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
	}
	return &request, w.status()
}

func noticed(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var id []byte
	if err := dec(&id); err != nil {
		return nil, err
	}
	answer := []byte("no")
	for i := 0; i < 500; i++ {
		if _, found := cancelled.Load(string(id)); found {
			answer = []byte("yes")
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return &answer, nil
}

func strict(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var request []byte
	if err := dec(&request); err != nil {
		return nil, err
	}
	answer := []byte(strictAddress)
	return &answer, nil
}

func stop(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var request []byte
	if err := dec(&request); err != nil {
		return nil, err
	}
	ms, err := strconv.Atoi(string(request))
	awayMs <- ms
	return &request, err
}

var description = grpc.ServiceDesc{
	ServiceName: "interop.Test",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		{MethodName: "Unary", Handler: respond},
		{MethodName: "Wait", Handler: wait},
		{MethodName: "Noticed", Handler: noticed},
		{MethodName: "Known", Handler: known},
		{MethodName: "Strict", Handler: strict},
		{MethodName: "Stop", Handler: stop},
	},
	Streams: []grpc.StreamDesc{
		{StreamName: "Down", Handler: down, ServerStreams: true},
		{StreamName: "Up", Handler: up, ClientStreams: true},
		{StreamName: "Both", Handler: both, ServerStreams: true, ClientStreams: true},
		{StreamName: "Collect", Handler: collect, ServerStreams: true, ClientStreams: true},
		{StreamName: "Early", Handler: early, ServerStreams: true, ClientStreams: true},
	},
}

func serve(address string, options ...grpc.ServerOption) (*grpc.Server, string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(append(options, grpc.ForceServerCodec(raw.Codec{}), grpc.StatsHandler(encodings{}))...)
	server.RegisterService(&description, nil)
	go server.Serve(listener)
	return server, listener.Addr().String()
}

func end(server *grpc.Server) {
	timer := time.AfterFunc(10*time.Second, server.Stop)
	server.GracefulStop()
	timer.Stop()
}

func main() {
	certs := flag.String("certs", "", "the folder of the certificates; TLS is spoken with it")
	mutual := flag.Bool("mutual", false, "clients must show a certificate")
	flag.Parse()
	secure := security(*certs, *mutual)
	lenient := append([]grpc.ServerOption{
		grpc.MaxConcurrentStreams(100),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Millisecond, PermitWithoutStream: true}),
	}, secure...)
	_, strictAddress = serve("127.0.0.1:0", secure...)
	server, address := serve("127.0.0.1:0", lenient...)
	_, port, _ := net.SplitHostPort(address)
	fmt.Println(port)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	for {
		select {
		case <-term:
			return
		case ms := <-awayMs:
			end(server)
			time.Sleep(time.Duration(ms) * time.Millisecond)
			server, _ = serve(address, lenient...)
		}
	}
}
