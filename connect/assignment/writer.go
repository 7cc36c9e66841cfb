package assignment

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// writer appends Kafka's classic types. The error is the first one.
type writer struct {
	bytes []byte
	err   error
}

func (w *writer) int16(n int16) { w.bytes = binary.BigEndian.AppendUint16(w.bytes, uint16(n)) }
func (w *writer) int32(n int32) { w.bytes = binary.BigEndian.AppendUint32(w.bytes, uint32(n)) }
func (w *writer) int64(n int64) { w.bytes = binary.BigEndian.AppendUint64(w.bytes, uint64(n)) }

func (w *writer) string(field, s string) {
	if len(s) > math.MaxInt16 && w.err == nil {
		w.err = fmt.Errorf("%s of %d bytes is longer than %d, which is the most that the group's protocol can carry", field, len(s), math.MaxInt16)
	}
	w.int16(int16(len(s)))
	w.bytes = append(w.bytes, s...)
}

// milliseconds writes a duration; one that is not zero never becomes zero, which would mean that there is none.
func (w *writer) milliseconds(d time.Duration) {
	w.int32(int32(min(wholeMilliseconds(d).Milliseconds(), math.MaxInt32)))
}

// work writes a list of connectors, each once and with its tasks in their order. Java lists connectors by a hash table's order, which
// readers do not care about.
func (w *writer) work(work Work) {
	var names []string
	numbers := make(map[string][]int, len(work.Connectors))
	for id := range work.distinct().items() {
		if _, known := numbers[id.Connector]; !known {
			names = append(names, id.Connector)
		}
		numbers[id.Connector] = append(numbers[id.Connector], id.Task)
	}
	w.int32(int32(len(names)))
	for _, name := range names {
		w.string("connector name", name)
		w.int32(int32(len(numbers[name])))
		for _, number := range numbers[name] {
			w.int32(int32(number))
		}
	}
}
