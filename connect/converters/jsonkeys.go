package converters

import (
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// keyNames keeps how the keys of maps without schema are written, for the lists of keys that were met last: the maps of a stream mostly share one of few,
// and those that share none are written key by key.
type keyNames struct {
	kept [keysMost]writtenKeys
	turn int // the one that makes room for the next
}

const keysMost = 8

type writtenKeys struct {
	keys   *connect.Keys
	names  []string // as of a member; nil until the keys are met again, and for keys that are no texts
	others bool     // some are no texts
}

// of returns the names for a list that was met before; nil for any other, for long ones, and for keys that are not all texts.
func (k *keyNames) of(keys *connect.Keys) []string {
	if keys.Len() > shapeKeys {
		return nil
	}
	at := slices.IndexFunc(k.kept[:], func(w writtenKeys) bool { return w.keys == keys })
	if at < 0 {
		k.kept[k.turn] = writtenKeys{keys: keys}
		k.turn = (k.turn + 1) % keysMost
		return nil
	}
	w := &k.kept[at]
	if w.names == nil && !w.others {
		w.write()
	}
	return w.names
}

func (w *writtenKeys) write() {
	names := make([]string, 0, w.keys.Len())
	for i := range w.keys.Len() {
		key := w.keys.At(i)
		if w.others = key.Kind() != connect.KindString; w.others {
			return
		}
		names = append(names, memberName(i, key.Str()))
	}
	w.names = names
}
