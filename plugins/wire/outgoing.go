package wire

import (
	"errors"
	"sync"

	"google.golang.org/grpc/mem"
)

// Outgoing is an encoded message. It is handed to SendMsg of a stream that has [Codec], once: its memory is gRPC's from then on. One that is not sent is
// left to the garbage collector.
type Outgoing struct {
	head []byte  // what is known only when the body is written
	body *[]byte // from bodies
}

var errSentTwice = errors.New("a message was sent twice")

// Len is its size in bytes.
func (o *Outgoing) Len() int { return len(o.head) + len(*o.body) }

func (o *Outgoing) marshal() (mem.BufferSlice, error) {
	if o.body == nil {
		return nil, errSentTwice
	}
	out := mem.BufferSlice{mem.SliceBuffer(o.head), mem.NewBuffer(o.body, bodies)}
	o.body = nil
	return out, nil
}

// bodies are where messages are written; gRPC gives them back when they are on their way.
var bodies = &bodyPool{}

// maxPooled is the largest body that is kept. A message of more has a record that is itself that large.
const maxPooled = 2 * splitBytes

// bodyPool implements mem.BufferPool.
type bodyPool struct{ pool sync.Pool }

// take returns an empty body.
func (p *bodyPool) take() *[]byte {
	if body, ok := p.pool.Get().(*[]byte); ok {
		*body = (*body)[:0]
		return body
	}
	body := make([]byte, 0, 64<<10)
	return &body
}

// Get is there for the interface: nobody asks for a body of a certain length.
func (p *bodyPool) Get(length int) *[]byte {
	body := make([]byte, length)
	return &body
}

// Put takes a body back.
func (p *bodyPool) Put(body *[]byte) {
	if cap(*body) <= maxPooled {
		p.pool.Put(body)
	}
}
