package wire

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// offset reads an Offset message that is not like the last one. What it returns shares no message, because an offset stays until the next one is stored.
func (d *decoder) offset(raw []byte) (o connect.Offset, err error) {
	n, err := count(raw, 0x0a)
	if err != nil || n == 0 {
		return connect.NewOffset(), err
	}
	list := d.members(n)
	c := over(raw)
	for i := range list {
		c.find(0x0a)
		if list[i], err = d.attr(c.bytes); err != nil {
			return o, err
		}
	}
	if n > 1 || list[0].Value.Kind() != connect.KindInt64 {
		return connect.NewOffset(list...), nil
	}
	d.lastOffset.learn(raw, list[0])
	return connect.At(list[0].Name, list[0].Value.Int64()), nil
}

// numberOffset is what offsets of one number look like: all but the number is that of the one before.
type numberOffset struct {
	name string
	head []byte // up to the number
	size int
}

// read reads an Offset message that is like the last one; ok: it is.
func (o *numberOffset) read(raw []byte) (n int64, ok bool) {
	head := len(o.head)
	if len(raw) != o.size || head == 0 || string(raw[:head]) != string(o.head) {
		return 0, false
	}
	v, end := longVarint(raw, head)
	return unzigzag(v), end == len(raw)
}

// learn takes an offset as the pattern for those that follow, if it is written as this package does.
func (o *numberOffset) learn(raw []byte, a connect.Attr) {
	tail := appendVarint(nil, zigzag(a.Value.Int64()))
	pattern := appendText(nil, 0x0a, a.Name)
	pattern = number(pattern, 0x12, 0x20, zigzag(a.Value.Int64()))
	pattern = appendText(nil, 0x0a, alias(pattern))
	if string(pattern) == string(raw) {
		o.name, o.size = a.Name, len(raw)
		o.head = append(o.head[:0], raw[:len(raw)-len(tail)]...)
	}
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
	c := over(raw)
	for i := range list {
		c.find(0x0a)
		if list[i], err = d.attr(c.bytes); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// attr reads an Attr message.
func (d *decoder) attr(raw []byte) (a connect.Attr, err error) {
	var value parts
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x0a:
			a.Name = d.labels.text(c.bytes)
		case 0x12:
			value.add(c.bytes)
		}
	}
	if c.err != nil {
		return a, c.err
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
