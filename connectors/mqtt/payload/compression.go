package payload

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Decompressor undoes one kind of compression, or with "auto" whatever a payload begins with. It is used by one goroutine.
type Decompressor struct {
	kind  string
	limit int
	zstd  *zstd.Decoder // made at the first use
}

// NewDecompressor undoes kind: none, gzip, zlib, zstd, snappy (block and framed), lz4 (framed), auto. A payload that becomes longer than limit bytes is
// an error: a few bytes can stand for gigabytes.
func NewDecompressor(kind string, limit int) *Decompressor {
	return &Decompressor{kind: kind, limit: limit}
}

// zstdWindow is what a decoder must be able to look back (RFC 8878 3.1.1.1.2).
const zstdWindow = 8 << 20

var (
	magicGzip   = []byte{0x1f, 0x8b}
	magicZstd   = []byte{0x28, 0xb5, 0x2f, 0xfd}
	magicLZ4    = []byte{0x04, 0x22, 0x4d, 0x18}
	magicSnappy = []byte("\xff\x06\x00\x00sNaPpY")
)

// guess names the compression by the first bytes, "none" where they say nothing.
func guess(p []byte) string {
	switch {
	case bytes.HasPrefix(p, magicGzip):
		return "gzip"
	case bytes.HasPrefix(p, magicZstd):
		return "zstd"
	case bytes.HasPrefix(p, magicLZ4):
		return "lz4"
	case bytes.HasPrefix(p, magicSnappy):
		return "snappy"
	case len(p) > 2 && p[0] == 0x78 && binary.BigEndian.Uint16(p)%31 == 0: // RFC 1950 2.2
		return "zlib"
	}
	return "none"
}

// Decompress returns p itself where nothing is compressed. With auto, what only looked compressed is returned as it is.
func (d *Decompressor) Decompress(p []byte) ([]byte, error) {
	kind := d.kind
	if kind == "auto" {
		kind = guess(p)
	}
	if kind == "none" || len(p) == 0 {
		return p, nil
	}
	out, err := d.undo(kind, p)
	switch {
	case err != nil && d.kind == "auto" && kind == "zlib": // two bytes of text may look like it
		return p, nil
	case err != nil:
		return nil, fmt.Errorf("undoing %s: %w", kind, err)
	}
	return out, nil
}

func (d *Decompressor) undo(kind string, p []byte) ([]byte, error) {
	in := bytes.NewReader(p)
	switch kind {
	case "gzip":
		r, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		return d.drain(r)
	case "zlib":
		r, err := zlib.NewReader(in)
		if err != nil {
			return nil, err
		}
		return d.drain(r)
	case "zstd":
		if d.zstd == nil {
			r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(d.limit, zstdWindow))))
			if err != nil {
				return nil, err
			}
			d.zstd = r
		}
		out, err := d.zstd.DecodeAll(p, nil)
		if err == nil && len(out) > d.limit {
			err = d.tooLong()
		}
		return out, err
	case "lz4":
		return d.drain(lz4.NewReader(in))
	case "snappy":
		if bytes.HasPrefix(p, magicSnappy) {
			return d.drain(snappy.NewReader(in))
		}
		n, err := snappy.DecodedLen(p)
		if err != nil {
			return nil, err
		}
		if n > d.limit {
			return nil, d.tooLong()
		}
		return snappy.Decode(nil, p)
	}
	return nil, fmt.Errorf("%q is no compression", kind)
}

func (d *Decompressor) drain(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, int64(d.limit)+1))
	if err == nil && len(out) > d.limit {
		err = d.tooLong()
	}
	return out, err
}

func (d *Decompressor) tooLong() error {
	return fmt.Errorf("the payload becomes longer than %d bytes, 16 times mqtt.payload.max.bytes", d.limit)
}
