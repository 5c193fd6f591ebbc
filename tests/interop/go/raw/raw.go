// Package raw is what the server and the client in Go share: messages that are bytes, and an encoding more.
package raw

import (
	"compress/zlib"
	"io"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
)

// Codec takes and gives *[]byte.
type Codec struct{}

func (Codec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (Codec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte{}, data...)
	return nil
}

// Name becomes part of the content-type, of which farcall and others know no other.
func (Codec) Name() string { return "proto" }

// Zlib is an encoding under a name of one's choice; grpc-go has no "deflate" of its own.
type Zlib string

func (z Zlib) Name() string { return string(z) }

func (Zlib) Compress(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }

func (Zlib) Decompress(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }

func init() { encoding.RegisterCompressor(Zlib("deflate")) }
