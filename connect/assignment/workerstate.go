package assignment

import (
	"encoding/binary"
	"fmt"
)

// WorkerState is what a worker says of itself when it joins the group: the metadata of its JoinGroup request.
type WorkerState struct {
	URL          string // where other workers reach its REST server, normally ending in a slash
	ConfigOffset int64  // of the configuration it has read, see stores.ConfigState.Offset; -1 for none
	// Held is what it still runs: the last assignment with earlier ones added and revoked work taken off. Nil if it runs nothing; an
	// assignment of nothing means the same to a leader. Not told in [Eager], where work has been stopped by then.
	Held *Assignment
}

// Offer is one protocol that a worker offers when it joins, and the metadata that goes with it.
type Offer struct {
	Name     string
	Metadata []byte
}

// Offers are what a worker in the given mode puts into its JoinGroup request, in order of preference: the same state in the bytes of each
// protocol. It fails if the URL or a name is too long for the protocol.
func (s WorkerState) Offers(mode Protocol) ([]Offer, error) {
	var offers []Offer
	for _, p := range mode.Offers() {
		metadata, err := s.Encode(p)
		if err != nil {
			return nil, err
		}
		offers = append(offers, Offer{p.Name(), metadata})
	}
	return offers, nil
}

// Encode writes the state as metadata of the protocol. It fails if the URL or a name is too long for the protocol.
func (s WorkerState) Encode(p Protocol) ([]byte, error) {
	w := &writer{}
	w.int16(p.Version())
	w.string("URL", s.URL)
	w.int64(s.ConfigOffset)
	if p != Eager {
		w.allocation(p, s.Held)
	}
	if w.err != nil {
		return nil, fmt.Errorf("writing the worker's state: %w", w.err)
	}
	return w.bytes, nil
}

// allocation writes an assignment as nullable bytes.
func (w *writer) allocation(p Protocol, held *Assignment) {
	if held == nil {
		w.int32(-1)
		return
	}
	w.int32(0)
	start := len(w.bytes)
	w.assignment(p, *held)
	binary.BigEndian.PutUint32(w.bytes[start-4:], uint32(len(w.bytes)-start))
}

// DecodeWorkerState reads a member's metadata by the layout of the protocol which the group has chosen. Any version that is not negative
// will do; bytes at the end that the layout does not know are ignored, and metadata without an allocation is that of a worker which
// holds nothing. Errors are [ErrMalformed].
func DecodeWorkerState(p Protocol, metadata []byte) (WorkerState, error) {
	r := &reader{left: metadata}
	r.version()
	s := WorkerState{URL: r.string("url"), ConfigOffset: r.int64("config-offset")}
	if p != Eager && r.more() {
		s.Held = r.allocation()
	}
	if r.err != nil {
		return WorkerState{}, fmt.Errorf("reading a worker's state: %w", r.err)
	}
	return s, nil
}

func (r *reader) allocation() *Assignment {
	size := int(r.int32("allocation"))
	if size < 0 || r.err != nil {
		return nil
	}
	inner := &reader{left: r.take("allocation", size)}
	if r.err != nil {
		return nil
	}
	held := inner.assignment(Compatible)
	r.err = inner.err
	return &held
}
