package connecttest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// offsetStore is the offsets topic: it outlives the lives of the task, and gives back what the worker's JSON would.
type offsetStore struct {
	mu sync.Mutex
	by map[string]stored
}

type stored struct {
	partition []connect.Attr
	offset    connect.Offset
}

func newOffsetStore(from []stored) *offsetStore {
	s := &offsetStore{by: map[string]stored{}}
	for _, o := range from {
		s.put(o.partition, o.offset)
	}
	return s
}

func (s *offsetStore) get(partition []connect.Attr) connect.Offset {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by[storeKey(partition)].offset
}

func (s *offsetStore) put(partition []connect.Attr, at connect.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by[storeKey(partition)] = stored{partition, asRead(at)}
}

// all are the stored offsets.
func (s *offsetStore) all() []stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.by))
}

// storeKey is the same for the same members in whatever order, as the canonical JSON of the offsets topic is.
func storeKey(partition []connect.Attr) string {
	members := make([]string, 0, len(partition))
	for _, a := range partition {
		v := widened(a.Value)
		members = append(members, fmt.Sprintf("%q:%s:%q", a.Name, v.Kind(), v.String()))
	}
	slices.Sort(members)
	return strings.Join(members, ",")
}

// asRead is an offset after its way through JSON.
func asRead(at connect.Offset) connect.Offset {
	if at.IsZero() {
		return at
	}
	attrs := at.Attrs()
	read := make([]connect.Attr, 0, len(attrs))
	for _, a := range attrs {
		read = append(read, connect.Attr{Name: strings.Clone(a.Name), Value: widened(cloneValue(a.Value))})
	}
	return connect.NewOffset(read...)
}

// widened is a number after its way through JSON, which knows one kind of whole number and one of fractions.
func widened(v connect.Value) connect.Value {
	switch v.Kind() {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32:
		return connect.Int64(v.Int64())
	case connect.KindFloat32:
		return connect.Float64(v.Float64())
	}
	return v
}
