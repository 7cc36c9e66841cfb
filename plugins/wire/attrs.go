package wire

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// offset reads an Offset message. What it returns shares no message, because an offset stays until the next one is stored.
func (d *decoder) offset(raw []byte) (o connect.Offset, err error) {
	n, err := count(raw, 0x0a)
	if err != nil {
		return o, err
	}
	p, at := next(raw, 0, 0x0a)
	switch {
	case n == 0:
		return connect.NewOffset(), nil
	case n == 1:
		a, err := d.attr(p)
		if err != nil {
			return o, err
		}
		if a.Value.Kind() == connect.KindInt64 {
			return connect.At(a.Name, a.Value.Int64()), nil
		}
		list := d.members(1)
		list[0] = a
		return connect.NewOffset(list...), nil
	}
	list := d.members(n)
	for i := range list {
		if list[i], err = d.attr(p); err != nil {
			return o, err
		}
		p, at = next(raw, at, 0x0a)
	}
	return connect.NewOffset(list...), nil
}

// members returns so many attributes.
func (d *decoder) members(n int) []connect.Attr {
	const piece = 64
	if n > piece/4 {
		return make([]connect.Attr, n)
	}
	if n > len(d.attrs) {
		d.attrs = make([]connect.Attr, piece)
	}
	out := d.attrs[:n:n]
	d.attrs = d.attrs[n:]
	return out
}

// partition reads the members of a SourcePartition message.
func (d *decoder) partition(raw []byte) ([]connect.Attr, error) {
	n, err := count(raw, 0x0a)
	if err != nil {
		return nil, err
	}
	list := make([]connect.Attr, n)
	at := 0
	for i := range list {
		var p []byte
		p, at = next(raw, at, 0x0a)
		if list[i], err = d.attr(p); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// attr reads an Attr message.
func (d *decoder) attr(raw []byte) (a connect.Attr, err error) {
	var value parts
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		if next < 0 {
			return a, errNumber
		}
		var p []byte
		switch i = next; tag {
		case 0x0a:
			if p, i = span(raw, i); i < 0 {
				return a, errLength
			}
			a.Name = d.names.text(p)
		case 0x12:
			if p, i = span(raw, i); i < 0 {
				return a, errLength
			}
			value.add(p)
		default:
			if i = skip(raw, i, tag); i < 0 {
				return a, errField
			}
		}
	}
	if value.raw == nil {
		return a, nil
	}
	if a.Value, err = d.value(value.raw, nil, 0); err != nil {
		return a, fmt.Errorf("attribute %q: %w", a.Name, err)
	}
	switch a.Value.Kind() {
	case connect.KindString:
		a.Value = connect.String(copied(a.Value.Str()))
	case connect.KindBytes:
		a.Value = connect.Bytes(append([]byte{}, a.Value.Bytes()...))
	case connect.KindArray, connect.KindMap, connect.KindStruct, connect.KindDecimal:
		return a, fmt.Errorf("attribute %q is a %s: it may be a text, a number, a boolean, bytes or null", a.Name, a.Value.Kind())
	}
	return a, nil
}
