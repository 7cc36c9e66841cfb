package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/sluice-connect/sluice/connect"
)

// Avro's binary form: numbers are zigzag varints, least significant bits first, floats are little endian.

func appendLong(dst []byte, v int64) []byte {
	return binary.AppendVarint(dst, v)
}

func appendFloat32(dst []byte, f float32) []byte {
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
}

func appendFloat64(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

var errShort = errors.New("it ends too early")

// source is a message that is being read.
type source struct {
	data  []byte
	at    int
	spare int // how many more elements without bytes may be made
	depth int // of what may be nested without an end: schemaless values, and records that hold themselves
	room  connect.Slab
}

const (
	// maxSpare bounds how many elements a message may have that take no bytes in it.
	maxSpare = 1 << 16
	// maxDepth bounds the nesting of schemaless values and of records that hold themselves, as JSON's.
	maxDepth = 1000
	// maxRoom bounds the room that is made for the elements of a list before they are read, where lists may be in each other without an end.
	maxRoom = 64
	// maxPath bounds how many of those records the text of an error names on the way to its place.
	maxPath = 16
)

// within adds a step to the place of an error.
func (s *source) within(err error, what string, which any) error {
	if s.depth > maxPath {
		return err
	}
	if text, ok := which.([]byte); ok {
		which = string(text)
	}
	return fmt.Errorf("%s %v: %w", what, which, err)
}

func (s *source) left() int { return len(s.data) - s.at }

func (s *source) long() (int64, error) {
	if s.at < len(s.data) && s.data[s.at] < 0x80 { // one byte
		u := s.data[s.at]
		s.at++
		return int64(u>>1) ^ -int64(u&1), nil
	}
	v, n := binary.Varint(s.data[s.at:])
	switch {
	case n == 0:
		return 0, errShort
	case n < 0:
		return 0, errors.New("a number of more than 64 bits")
	}
	s.at += n
	return v, nil
}

func (s *source) int32() (int32, error) {
	v, err := s.long()
	if err == nil && v != int64(int32(v)) {
		return 0, errors.New("a number of more than 32 bits")
	}
	return int32(v), err
}

// take returns the next n bytes, shared, with no room to append in place.
func (s *source) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(s.left()) {
		return nil, errShort
	}
	from := s.at
	s.at += int(n)
	return s.data[from:s.at:s.at], nil
}

// bytes returns the next bytes with their length in front.
func (s *source) bytes() ([]byte, error) {
	n, err := s.long()
	if err != nil {
		return nil, err
	}
	return s.take(n)
}

// block reads the front of a block of elements that take at least least bytes each; 0 is the end.
func (s *source) block(least int) (int, error) {
	n, err := s.long()
	if err != nil {
		return 0, err
	}
	if n < 0 {
		if _, err = s.long(); err != nil { // the block's length in bytes
			return 0, err
		}
		if n == math.MinInt64 {
			return 0, errShort
		}
		n = -n
	}
	if least > 0 {
		if n > int64(s.left()/least) {
			return 0, errShort
		}
		return int(n), nil
	}
	if n > int64(s.spare) {
		return 0, fmt.Errorf("more than %d elements without content", maxSpare)
	}
	s.spare -= int(n)
	return int(n), nil
}

// stored is the number in which a logical type keeps an instant.
func stored(s *connect.Schema, ms int64) (int64, error) {
	const day = 24 * 60 * 60 * 1000
	switch s.Name() {
	case connect.DateName:
		if ms%day != 0 {
			return 0, fmt.Errorf("%w: a Date with a time of day", connect.ErrData)
		}
		return ms / day, nil
	case connect.TimeName:
		if ms < 0 || ms > day {
			return 0, fmt.Errorf("%w: a Time beyond one day", connect.ErrData)
		}
	}
	return ms, nil
}
