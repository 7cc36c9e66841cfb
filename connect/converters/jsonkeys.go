package converters

import "github.com/sluice-connect/sluice/connect"

// keyNames keeps how the keys of maps without schema are written, for the lists of keys that were met last: the maps of a stream mostly share one of few,
// and those that share none are written key by key.
type keyNames struct {
	kept [keysMost]writtenKeys
	turn int // the one that makes room for the next
}

const keysMost = 8

type writtenKeys struct {
	keys   *connect.Keys
	names  []memberName // nil until the keys are met again, and for keys that are no texts
	others bool         // some are no texts
}

// of returns the names for a list that was met before; nil for any other, for long ones, and for keys that are not all texts.
func (k *keyNames) of(keys *connect.Keys) []memberName {
	if keys.Len() > shapeKeys {
		return nil
	}
	for i := range k.kept {
		if w := &k.kept[i]; w.keys == keys {
			if w.names == nil && !w.others {
				w.write()
			}
			return w.names
		}
	}
	k.kept[k.turn] = writtenKeys{keys: keys}
	k.turn = (k.turn + 1) % keysMost
	return nil
}

func (w *writtenKeys) write() {
	names := make([]memberName, 0, w.keys.Len())
	for i := range w.keys.Len() {
		key := w.keys.At(i)
		if w.others = key.Kind() != connect.KindString; w.others {
			return
		}
		names = append(names, newMemberName(i, key.Str()))
	}
	w.names = names
}
