package connecttest

import (
	"bytes"
	"math/big"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// cloneRecord returns a record that shares no memory with r, except for schemas.
func cloneRecord(r connect.Record) connect.Record {
	r.Topic = strings.Clone(r.Topic)
	r.Key, r.Value = cloneValue(r.Key), cloneValue(r.Value)
	headers := r.Headers
	r.Headers = nil
	for _, h := range headers {
		r.Header(strings.Clone(h.Key), h.Schema, cloneValue(h.Value))
	}
	return r
}

func cloneSourceRecord(r connect.SourceRecord) connect.SourceRecord {
	r.Record = cloneRecord(r.Record)
	r.Offset = cloneOffset(r.Offset)
	return r
}

func cloneSinkRecord(r connect.SinkRecord) connect.SinkRecord {
	r.Record = cloneRecord(r.Record)
	return r
}

func cloneOffset(at connect.Offset) connect.Offset {
	if at.IsZero() {
		return at
	}
	attrs := at.Attrs()
	clone := make([]connect.Attr, 0, len(attrs))
	for _, a := range attrs {
		clone = append(clone, connect.Attr{Name: a.Name, Value: cloneValue(a.Value)})
	}
	return connect.NewOffset(clone...)
}

func cloneValue(v connect.Value) connect.Value {
	switch v.Kind() {
	case connect.KindString:
		return connect.String(strings.Clone(v.Str()))
	case connect.KindBytes:
		return connect.Bytes(append([]byte{}, v.Bytes()...))
	case connect.KindArray:
		elems := make([]connect.Value, 0, len(v.Array()))
		for _, e := range v.Array() {
			elems = append(elems, cloneValue(e))
		}
		return connect.Array(elems)
	case connect.KindMap:
		m := connect.NewMap(v.Map().Len())
		for _, e := range v.Map().Entries() {
			m.Put(cloneValue(e.Key), cloneValue(e.Value))
		}
		return connect.MapOf(m)
	case connect.KindStruct:
		s := v.Struct().Clone()
		for i := range s.Schema().Fields() {
			s.SetAt(i, cloneValue(s.At(i)))
		}
		return connect.StructOf(s)
	case connect.KindDecimal:
		d := v.Decimal()
		return connect.DecimalOf(&connect.Decimal{Unscaled: new(big.Int).Set(d.Unscaled), Scale: d.Scale})
	}
	return v
}

// sameRecord reports whether a record still is what its clone says.
func sameRecord(r, clone *connect.Record) bool {
	if r.Topic != clone.Topic || !r.Key.Equal(clone.Key) || !r.Value.Equal(clone.Value) || len(r.Headers) != len(clone.Headers) {
		return false
	}
	for i := range r.Headers {
		if r.Headers[i].Key != clone.Headers[i].Key || !r.Headers[i].Value.Equal(clone.Headers[i].Value) {
			return false
		}
	}
	return true
}

// show is a value as a failure of the test prints it: text in quotes, so that what is in it is seen.
func show(v connect.Value) string {
	switch v.Kind() {
	case connect.KindString:
		return quote([]byte(v.Str()))
	case connect.KindBytes:
		return quote(v.Bytes())
	}
	return v.String()
}

func quote(p []byte) string {
	const most = 60
	if len(p) > most {
		p = append(bytes.Clone(p[:most]), "..."...)
	}
	return `"` + strings.ToValidUTF8(string(p), "\uFFFD") + `"`
}
