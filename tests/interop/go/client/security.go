package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"farcall/interop/raw"
)

func pemFile(name string) string { return filepath.Join(*certs, name) }

// tlsConfig is what this run's channels are made with.
func tlsConfig() *tls.Config {
	config := &tls.Config{RootCAs: poolOf("ca")}
	if *mutual {
		config.Certificates = []tls.Certificate{identityOf("client")}
	}
	return config
}

func poolOf(name string) *x509.CertPool {
	text, err := os.ReadFile(pemFile(name + ".pem"))
	expect(err == nil, "%v", err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

func identityOf(name string) tls.Certificate {
	pair, err := tls.LoadX509KeyPair(pemFile(name+".pem"), pemFile(name+".key"))
	expect(err == nil, "%v", err)
	return pair
}

func transportCredentials() credentials.TransportCredentials {
	if *certs == "" {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(tlsConfig())
}

// changed gives a channel like those of this run, but for one thing.
func changed(change func(*tls.Config), options ...grpc.DialOption) *grpc.ClientConn {
	config := tlsConfig()
	change(config)
	return dial(target, credentials.NewTLS(config), options...)
}

func dial(address string, creds credentials.TransportCredentials, options ...grpc.DialOption) *grpc.ClientConn {
	options = append(options, grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw.Codec{})))
	conn, err := grpc.NewClient(address, options...)
	expect(err == nil, "%v", err)
	return conn
}

func known(on *grpc.ClientConn, name string) []string {
	answer, err := askOn(on, "Known", []byte(name), nil)
	expectCode(err, codes.OK)
	return strings.Split(string(answer), "\n")
}

func expectKnown(on *grpc.ClientConn, name string, wanted ...string) {
	got := known(on, name)
	slices.Sort(got)
	slices.Sort(wanted)
	expect(slices.Equal(got, wanted), "%s: %q", name, got)
}

func expectRefused(on *grpc.ClientConn, word string) {
	defer on.Close()
	_, err := askOn(on, "Unary", []byte("x"), nil)
	expectCode(err, codes.Unavailable)
	expect(strings.Contains(err.Error(), word), "%v", err)
}

func serverKnowsTheTransport() {
	expectKnown(conn, "transport_security_type", "ssl")
	expectKnown(conn, "security_level", "TSI_PRIVACY_AND_INTEGRITY")
	if *mutual {
		expectKnown(conn, "x509_common_name", "test-client")
	} else {
		expectKnown(conn, "x509_common_name", "")
	}
}

func clientKnowsTheServer() {
	var other peer.Peer
	_, err := ask([]byte("x"), nil, grpc.Peer(&other))
	expectCode(err, codes.OK)
	state := other.AuthInfo.(credentials.TLSInfo).State
	name := state.PeerCertificates[0].Subject.CommonName
	expect(state.Version == tls.VersionTLS13 && state.NegotiatedProtocol == "h2", "%x, %q", state.Version, state.NegotiatedProtocol)
	expect(name == "server", "its name is %q", name)
}

// token adds "authorization: Bearer TOKEN" to calls.
type token string

func (t token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(t)}, nil
}

func (token) RequireTransportSecurity() bool { return true }

func expectSaw(last metadata.MD, wanted ...string) {
	got := slices.Sorted(slices.Values(last["saw-authorization"]))
	expect(slices.Equal(got, wanted), "it saw %q", got)
}

func tokenInEveryPattern() {
	var last metadata.MD
	_, err := ask([]byte("x"), nil, grpc.Trailer(&last), grpc.PerRPCCredentials(token("of-the-call")))
	expectCode(err, codes.OK)
	expectSaw(last, "Bearer of-the-call")
	for _, method := range []string{"Down", "Up", "Both"} {
		s := open(method, nil, grpc.PerRPCCredentials(token("of-the-call")))
		s.send([]byte("x"), 1)
		s.CloseSend()
		_, _, err := s.rest()
		expectCode(err, codes.OK)
		expectSaw(s.Trailer(), "Bearer of-the-call")
	}
}

func tokenOfTheChannelAndOfTheCall() {
	other := connect(target, grpc.WithPerRPCCredentials(token("of-the-channel")))
	defer other.Close()
	var last metadata.MD
	_, err := askWith(other, grpc.Trailer(&last), grpc.PerRPCCredentials(token("of-the-call")))
	expectCode(err, codes.OK)
	expectSaw(last, "Bearer of-the-call", "Bearer of-the-channel")
}

func askWith(on *grpc.ClientConn, options ...grpc.CallOption) ([]byte, error) {
	return askOn(on, "Unary", []byte("x"), nil, options...)
}

func wrongAuthority() {
	expectRefused(changed(func(c *tls.Config) { c.RootCAs = poolOf("other_ca") }), "certificate signed by unknown authority")
}

func wrongName() {
	expectRefused(changed(func(c *tls.Config) { c.ServerName = "wrong.example" }), "certificate is valid for")
}

func plainTextIsRefused() { expectRefused(dial(target, insecure.NewCredentials()), "") }

func sessionIsResumed(version uint16) func() {
	return func() {
		cache := tls.NewLRUClientSessionCache(1)
		for _, resumed := range []string{"false", "true"} {
			other := changed(func(c *tls.Config) {
				c.MaxVersion = version
				c.ClientSessionCache = cache
			})
			expectKnown(other, "ssl_session_reused", resumed)
			other.Close()
		}
	}
}

func oldVersionIsRefused() {
	expectRefused(changed(func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS11
		c.MaxVersion = tls.VersionTLS11
	}), "protocol version not supported")
}

func serverKnowsTheClient() {
	expectKnown(conn, "x509_subject_alternative_name", "client.test.example", "spiffe://test.example/client",
		"client@test.example", "10.0.0.1")
}

// identityIsRefused shows a certificate that is wrong, or none. In TLS 1.3 the client learns of it after its handshake, and
// may meet the closed connection before the reason.
func identityIsRefused(name, reason string) func() {
	return func() {
		for version, word := range map[uint16]string{tls.VersionTLS12: reason, tls.VersionTLS13: ""} {
			expectRefused(changed(func(c *tls.Config) {
				c.MaxVersion = version
				c.Certificates = nil
				if name != "" {
					// Without a function this client would not show what the server cannot like.
					pair := identityOf(name)
					c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
				}
			}), word)
		}
	}
}

func tlsIsRefused() { expectRefused(dial(target, credentials.NewTLS(nil)), "") }

// securityCases run over TLS alone, over mutual TLS, or in the clear, as their names begin.
var securityCases = []testCase{
	{"tls_server_knows_the_transport", serverKnowsTheTransport},
	{"tls_client_knows_the_server", clientKnowsTheServer},
	{"tls_token_in_every_pattern", tokenInEveryPattern},
	{"tls_token_of_the_channel_and_of_the_call", tokenOfTheChannelAndOfTheCall},
	{"tls_wrong_authority", wrongAuthority},
	{"tls_wrong_name", wrongName},
	{"tls_plain_text_is_refused", plainTextIsRefused},
	{"tls_session_is_resumed", sessionIsResumed(tls.VersionTLS13)},
	{"tls_session_is_resumed_1_2", sessionIsResumed(tls.VersionTLS12)},
	{"tls_old_version_is_refused", oldVersionIsRefused},
	{"mutual_server_knows_the_client", serverKnowsTheClient},
	{"mutual_no_certificate", identityIsRefused("", "remote error: tls: ")},
	{"mutual_wrong_certificate", identityIsRefused("other_client", "certificate authority")},
	{"mutual_expired_certificate", identityIsRefused("expired_client", "expired certificate")},
	{"clear_tls_is_refused", tlsIsRefused},
}
