package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// ToValue is a value without a schema: that of a key of a configuration. Structs, which need one, are refused; so is what nests too deep.
func ToValue(v connect.Value) (*contract.Value, error) {
	_, out, schemas, err := new(Sender).Value(nil, v)
	if err != nil {
		return nil, err
	}
	if len(schemas.New) > 0 {
		return nil, fmt.Errorf("%w: a struct has no place among values without schemas", connect.ErrData)
	}
	return out, nil
}

// FromValue is the reverse of [ToValue].
func FromValue(v *contract.Value) (connect.Value, error) {
	_, out, err := new(Receiver).Value(0, v)
	return out, err
}

// ToAttrs are the members of a source partition.
func ToAttrs(attrs []connect.Attr) ([]*contract.Attr, error) {
	out := make([]*contract.Attr, len(attrs))
	for i, a := range attrs {
		v, err := ToValue(a.Value)
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
		out[i] = &contract.Attr{Name: valid(a.Name), Value: v}
	}
	return out, nil
}

// FromAttrs is the reverse of [ToAttrs].
func FromAttrs(attrs []*contract.Attr) ([]connect.Attr, error) {
	raw, err := proto.Marshal(&contract.SourcePartition{Attrs: attrs})
	if err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	return new(decoder).partition(raw)
}

// ToOffset is an offset; nil for the zero Offset.
func ToOffset(o connect.Offset) (*contract.Offset, error) {
	if o.IsZero() {
		return nil, nil
	}
	attrs, err := ToAttrs(o.Attrs())
	if err != nil {
		return nil, err
	}
	return &contract.Offset{Attrs: attrs}, nil
}

// FromOffset is the reverse of [ToOffset].
func FromOffset(o *contract.Offset) (connect.Offset, error) {
	if o == nil {
		return connect.Offset{}, nil
	}
	raw, err := proto.Marshal(o)
	if err != nil {
		return connect.Offset{}, fmt.Errorf("offset: %w", err)
	}
	return new(decoder).offset(raw)
}
