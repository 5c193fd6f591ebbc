package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// security gives the option of a server that shows the certificate in a folder; none without a folder.
func security(folder string, mutual bool) []grpc.ServerOption {
	if folder == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "server.pem"), filepath.Join(folder, "server.key"))
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if mutual {
		text, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
		if err != nil {
			log.Fatal(err)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(text)
	}
	return []grpc.ServerOption{grpc.Creds(credentials.NewTLS(config))}
}

// properties is what a connection knows of its client, under the names of gRPC's other implementations.
func properties(ctx context.Context) map[string][]string {
	from, _ := peer.FromContext(ctx)
	info, secure := from.AuthInfo.(credentials.TLSInfo)
	if !secure {
		return map[string][]string{"transport_security_type": {"insecure"}}
	}
	known := map[string][]string{
		"transport_security_type": {"ssl"},
		"security_level":          {"TSI_PRIVACY_AND_INTEGRITY"},
		"ssl_session_reused":      {strconv.FormatBool(info.State.DidResume)},
	}
	for _, cert := range info.State.PeerCertificates {
		block := pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}
		known["x509_common_name"] = []string{cert.Subject.CommonName}
		known["x509_subject_alternative_name"] = namesOf(cert)
		known["x509_pem_cert"] = []string{string(pem.EncodeToMemory(&block))}
		break
	}
	return known
}

func namesOf(cert *x509.Certificate) []string {
	names := append(append([]string{}, cert.DNSNames...), cert.EmailAddresses...)
	for _, uri := range cert.URIs {
		names = append(names, uri.String())
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

func known(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var request []byte
	if err := dec(&request); err != nil {
		return nil, err
	}
	answer := []byte(strings.Join(properties(ctx)[string(request)], "\n"))
	return &answer, nil
}
