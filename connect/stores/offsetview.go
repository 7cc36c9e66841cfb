package stores

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// offsetView is what the records of the offsets topic say. Java finds an offset by its key's bytes, which depend on the order in which some map
// listed its members; here a partition is found by what it is, and its offset is written back under the bytes it was found by.
type offsetView struct {
	mu         sync.RWMutex
	connectors map[string]map[string]storedPartition // by connector and identity
}

// storedPartition is one source partition with every form of its key that has an offset.
type storedPartition struct {
	members []connect.Attr // as in the newest key; nil for a source without partitions
	none    bool           // the key's partition is null
	forms   []keyForm      // the newest first
}

type keyForm struct {
	key       []byte
	offset    connect.Offset
	timestamp time.Time
}

// identity is text that is equal for equal partitions whatever their members' order. It compares as Java does, by the JSON: an int32 and an
// int64 of the same number are one, and so are bytes and their Base64 text.
func identity(members []connect.Attr, none bool) string {
	if none {
		return "null"
	}
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, func(a, b connect.Attr) int { return strings.Compare(a.Name, b.Name) })
	return string(appendObject(nil, sorted))
}

func partitionMembers(p *connect.Partition) []connect.Attr {
	if p == nil {
		return nil
	}
	return p.Attrs()
}

// offsetKey is the key of a partition that was never stored, in the order of a HashMap, which most connectors in Java use.
func offsetKey(connector string, p *connect.Partition) []byte {
	key := appendText([]byte{'['}, connector)
	key = append(key, ',')
	if p == nil {
		return append(key, "null]"...)
	}
	return append(appendObject(key, hashOrder(p.Attrs())), ']')
}

// keys lists the forms under which an offset of p stands, the newest first, or the one under which it shall.
func (v *offsetView) keys(connector string, p *connect.Partition) [][]byte {
	v.mu.RLock()
	defer v.mu.RUnlock()
	forms := v.connectors[connector][identity(partitionMembers(p), p == nil)].forms
	if len(forms) == 0 {
		return [][]byte{offsetKey(connector, p)}
	}
	keys := make([][]byte, 0, len(forms))
	for _, f := range forms {
		keys = append(keys, f.key)
	}
	return keys
}

func (v *offsetView) get(connector string, p *connect.Partition) connect.Offset {
	v.mu.RLock()
	defer v.mu.RUnlock()
	forms := v.connectors[connector][identity(partitionMembers(p), p == nil)].forms
	if len(forms) == 0 {
		return connect.Offset{}
	}
	return forms[0].offset
}

// list leaves out the offset of a source without partitions, as Java does.
func (v *offsetView) list(connector string) []StoredOffset {
	v.mu.RLock()
	defer v.mu.RUnlock()
	known := v.connectors[connector]
	var intern connect.Partitions
	list := make([]StoredOffset, 0, len(known))
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if p := known[id]; !p.none {
			list = append(list, StoredOffset{intern.Intern(p.members...), p.forms[0].offset})
		}
	}
	return list
}

// apply takes in a record; the error is why it was ignored.
func (v *offsetView) apply(e Entry) error {
	connector, p, err := parseOffsetKey(e.Key)
	if err != nil {
		return err
	}
	form := keyForm{key: e.Key, timestamp: e.Timestamp}
	if e.Value != nil {
		if form.offset, err = parseOffset(e.Value); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	id := identity(p.members, p.none)
	p.forms = withForm(v.connectors[connector][id].forms, form, e.Value == nil)
	v.put(connector, id, p)
	return nil
}

func (v *offsetView) put(connector, id string, p storedPartition) {
	if len(p.forms) == 0 {
		delete(v.connectors[connector], id)
		return
	}
	if v.connectors == nil {
		v.connectors = map[string]map[string]storedPartition{}
	}
	if v.connectors[connector] == nil {
		v.connectors[connector] = map[string]storedPartition{}
	}
	v.connectors[connector][id] = p
}

// withForm replaces, adds or removes a form. The newest is the one with the latest time: forms may lie in different partitions of the
// topic, between which no order is kept.
func withForm(forms []keyForm, f keyForm, deleted bool) []keyForm {
	kept := slices.DeleteFunc(slices.Clone(forms), func(old keyForm) bool { return bytes.Equal(old.key, f.key) })
	if deleted {
		return kept
	}
	kept = append([]keyForm{f}, kept...)
	slices.SortStableFunc(kept, func(a, b keyForm) int { return b.timestamp.Compare(a.timestamp) })
	return kept
}

// parseOffsetKey reads `["connector",{...}]`.
func parseOffsetKey(key []byte) (string, storedPartition, error) {
	v, err := parse(key)
	if err != nil {
		return "", storedPartition{}, err
	}
	if v.Kind() != connect.KindArray || len(v.Array()) != 2 {
		return "", storedPartition{}, errors.New("the key is no list of a connector and a partition")
	}
	connector, ok := text(v.Array()[0])
	if !ok {
		return "", storedPartition{}, errors.New("the key's connector is no text")
	}
	switch partition := v.Array()[1]; partition.Kind() {
	case connect.KindNull:
		return connector, storedPartition{none: true}, nil
	case connect.KindMap:
		return connector, storedPartition{members: attrs(partition.Map())}, nil
	}
	return "", storedPartition{}, errors.New("the key's partition is no object")
}

// parseOffset reads an offset; the text null is an empty one: only a tombstone deletes.
func parseOffset(value []byte) (connect.Offset, error) {
	v, err := parse(value)
	switch {
	case err != nil:
		return connect.Offset{}, err
	case v.IsNull():
		return connect.Offset{}, nil
	case v.Kind() != connect.KindMap:
		return connect.Offset{}, errors.New("the offset is no object")
	}
	return connect.NewOffset(attrs(v.Map())...), nil
}

func attrs(m *connect.Map) []connect.Attr {
	members := make([]connect.Attr, 0, m.Len())
	for _, e := range m.Entries() {
		members = append(members, connect.Attr{Name: e.Key.Str(), Value: e.Value})
	}
	return members
}
