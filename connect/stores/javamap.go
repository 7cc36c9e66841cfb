package stores

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/sluice-connect/sluice/connect/javahash"
)

// Java's object serialization (Java Object Serialization Specification, chapter 6), as far as a java.util.HashMap from byte[] to byte[]
// needs it.
const (
	streamMagic   = 0xACED
	streamVersion = 5

	tcNull        = 0x70
	tcReference   = 0x71
	tcClassDesc   = 0x72
	tcObject      = 0x73
	tcArray       = 0x75
	tcBlockData   = 0x77
	tcEndBlock    = 0x78
	firstHandle   = 0x7E0000
	hashMapID     = 0x0507DAC1C31660D1
	byteArrayID   = 0xACF317F8060854E0
	hashMapName   = "java.util.HashMap"
	byteArrayName = "[B"

	flagsWriteMethod = 3 // serializable, with a writeObject of its own
	flagsPlain       = 2 // serializable
)

// hashMapFields are the serialized fields of HashMap: loadFactor, a float, and threshold, an int.
const hashMapFields = "\x00\x02F\x00\x0aloadFactorI\x00\x09threshold"

// appendHashMap writes records as ObjectOutputStream.writeObject writes the map of Java's FileOffsetBackingStore.
func appendHashMap(dst []byte, records []Record) []byte {
	capacity := javahash.TableSize(len(records))
	dst = binary.BigEndian.AppendUint16(dst, streamMagic)
	dst = binary.BigEndian.AppendUint16(dst, streamVersion)
	dst = append(dst, tcObject)
	dst = appendClass(dst, hashMapName, hashMapID, flagsWriteMethod, hashMapFields)
	dst = binary.BigEndian.AppendUint32(dst, math.Float32bits(0.75))
	threshold := capacity / 4 * 3
	if len(records) == 0 {
		threshold = 0
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(threshold))
	dst = append(dst, tcBlockData, 8)
	dst = binary.BigEndian.AppendUint32(dst, uint32(capacity))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(records)))
	described := false
	for _, r := range records {
		for _, b := range [][]byte{r.Key, r.Value} {
			dst = appendByteArray(dst, b, &described)
		}
	}
	return append(dst, tcEndBlock)
}

func appendClass(dst []byte, name string, id uint64, flags byte, fields string) []byte {
	dst = append(dst, tcClassDesc)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(name)))
	dst = append(dst, name...)
	dst = binary.BigEndian.AppendUint64(dst, id)
	dst = append(dst, flags)
	dst = append(dst, fields...)
	return append(dst, tcEndBlock, tcNull) // no annotation, no superclass
}

// appendByteArray writes b; the class is described at its first use and referred to afterwards. Its handle is 2, behind the map's
// class and the map.
func appendByteArray(dst, b []byte, described *bool) []byte {
	if b == nil {
		return append(dst, tcNull)
	}
	dst = append(dst, tcArray)
	if *described {
		dst = append(dst, tcReference)
		dst = binary.BigEndian.AppendUint32(dst, firstHandle+2)
	} else {
		dst = appendClass(dst, byteArrayName, byteArrayID, flagsPlain, "\x00\x00")
		*described = true
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// readHashMap reads what appendHashMap or Java wrote, and nothing else.
func readHashMap(from io.Reader) ([]Record, error) {
	r := &javaReader{r: bufio.NewReader(from)}
	records := r.hashMap()
	if errors.Is(r.err, io.EOF) || errors.Is(r.err, io.ErrUnexpectedEOF) {
		return nil, errors.New("it ends too early")
	}
	if r.err != nil {
		return nil, r.err
	}
	if _, err := r.r.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the map")
	}
	return records, nil
}

// javaReader reads pieces of a stream; after the first error all that follow are zero.
type javaReader struct {
	r       *bufio.Reader
	handles []any // what has been read, in order: []byte for arrays, className for classes, nil for others
	err     error
}

type className string

var errForeign = errors.New("it is no java.util.HashMap from byte[] to byte[]")

func (r *javaReader) hashMap() []Record {
	r.expect(streamMagic>>8, streamMagic&0xFF, 0, streamVersion, tcObject)
	if r.class() != hashMapName {
		r.fail(errForeign)
	}
	r.handles = append(r.handles, nil) // the map itself
	r.take(8)                          // load factor and threshold, which Java computes anew as well
	r.expect(tcBlockData, 8)
	r.take(4) // number of buckets
	size := int(r.number(4))
	records := make([]Record, 0, min(size, 1024)) // a foreign file shall not claim memory
	for i := 0; i < size && r.err == nil; i++ {
		key := r.byteArray()
		records = append(records, Record{Key: key, Value: r.byteArray()})
	}
	r.expect(tcEndBlock)
	return records
}

// class reads a description or a reference to one.
func (r *javaReader) class() className {
	switch tag := r.one(); tag {
	case tcReference:
		name, _ := r.handle().(className)
		return name
	case tcClassDesc:
	default:
		r.fail(errForeign)
		return ""
	}
	name := className(r.take(int(r.number(2))))
	r.take(9) // serialVersionUID and flags
	r.handles = append(r.handles, name)
	for range r.number(2) {
		r.take(1) // type: only primitive fields occur
		r.take(int(r.number(2)))
	}
	r.expect(tcEndBlock, tcNull)
	return name
}

func (r *javaReader) byteArray() []byte {
	switch tag := r.one(); tag {
	case tcNull:
		return nil
	case tcReference:
		b, ok := r.handle().([]byte)
		if !ok {
			r.fail(errForeign)
		}
		return b
	case tcArray:
	default:
		r.fail(errForeign)
		return nil
	}
	if r.class() != byteArrayName {
		r.fail(errForeign)
	}
	b := r.take(int(r.number(4)))
	r.handles = append(r.handles, b)
	return b
}

func (r *javaReader) handle() any {
	n := int(r.number(4)) - firstHandle
	if n < 0 || n >= len(r.handles) {
		r.fail(errForeign)
		return nil
	}
	return r.handles[n]
}

func (r *javaReader) expect(want ...byte) {
	for _, b := range want {
		if got := r.one(); got != b {
			r.fail(errForeign)
		}
	}
}

func (r *javaReader) one() byte { return byte(r.number(1)) }

// number reads a big-endian number of up to four bytes.
func (r *javaReader) number(size int) (n uint32) {
	for _, b := range r.take(size) {
		n = n<<8 | uint32(b)
	}
	return n
}

// take reads size bytes, without believing the size before they are there.
func (r *javaReader) take(size int) []byte {
	if r.err != nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r.r, int64(size)))
	if err == nil && len(b) < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		r.fail(err)
		return nil
	}
	return b
}

func (r *javaReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
