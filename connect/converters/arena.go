package converters

// Arena is the memory that encoded keys, values and headers are cut from, so that a batch costs a few allocations and a reused
// one none. The zero Arena is ready. It is not safe for concurrent use.
type Arena struct {
	chunk []byte
	used  int // bytes handed out since Reset
}

const (
	arenaChunk = 32 << 10
	arenaMax   = 4 << 20 // what Reset keeps at most
)

// Room returns an empty slice to append to. It must go to [Arena.Keep] before the next Room, or be forgotten.
func (a *Arena) Room() []byte {
	if cap(a.chunk) == len(a.chunk) {
		a.chunk = make([]byte, 0, arenaChunk)
	}
	return a.chunk[len(a.chunk):]
}

// Keep hands out what was appended to the slice of Room. What outgrew the room has got memory of its own on the way: unless it was
// large for any chunk, the rest of this one is given up, so that the next does not outgrow it too.
func (a *Arena) Keep(buf []byte) []byte {
	a.used += len(buf)
	switch at := len(a.chunk); {
	case len(buf) <= cap(a.chunk)-at:
		a.chunk = a.chunk[:at+len(buf)]
	case len(buf) <= arenaChunk/4:
		a.chunk = make([]byte, 0, arenaChunk)
	}
	return buf[:len(buf):len(buf)]
}

// Reset takes back everything handed out: nobody may read it any more. An arena that is reset between batches of like size
// ends with one chunk that holds a whole batch.
func (a *Arena) Reset() {
	if want := min(a.used+a.used/4, arenaMax); want > cap(a.chunk) {
		a.chunk = make([]byte, 0, want)
	}
	a.chunk, a.used = a.chunk[:0], 0
}
