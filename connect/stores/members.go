package stores

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Members are those of a source partition or of an offset as REST writes them: a JSON object in Java's order and form, and null for nil.
type Members []connect.Attr

// MarshalJSON implements [json.Marshaler].
func (m Members) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("null"), nil
	}
	return appendObject(nil, hashOrder(m)), nil
}

// UnmarshalJSON implements [json.Unmarshaler]. Whole numbers become int64, all others float64; one that does not fit is refused.
func (m *Members) UnmarshalJSON(data []byte) error {
	if err := checkIntegers(data); err != nil {
		return err
	}
	v, err := parse(data)
	switch {
	case err != nil:
		return err
	case v.IsNull():
		*m = nil
		return nil
	case v.Kind() != connect.KindMap:
		return errors.New("want an object or null")
	}
	*m = attrs(v.Map())
	return nil
}

// Get returns a member's value; ok is false where there is none, which null is not.
func (m Members) Get(name string) (v connect.Value, ok bool) {
	for _, a := range m {
		if a.Name == name {
			return a.Value, true
		}
	}
	return v, false
}

// JavaText is a member's value as String.valueOf makes it of what was read from JSON.
func JavaText(v connect.Value) string {
	if s, ok := text(v); ok {
		return s
	}
	return string(appendValue(nil, v))
}

// Sorted returns the members by name.
func (m Members) Sorted() Members {
	sorted := slices.Clone(m)
	slices.SortStableFunc(sorted, func(a, b connect.Attr) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

// checkIntegers refuses what parse, like Java's converter, would cut to 64 bits: nobody means that.
func checkIntegers(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n, ok := token.(json.Number)
		if !ok || strings.ContainsAny(n.String(), ".eE") {
			continue
		}
		if _, err := n.Int64(); err != nil {
			return fmt.Errorf("%s does not fit into 64 bits", n)
		}
	}
}

// CheckPrimitive refuses members that have no form on the offsets topic (OffsetUtils.validateFormat); the error is a [*NotPrimitiveError].
func (m Members) CheckPrimitive() error {
	for _, a := range m {
		switch kind := a.Value.Kind(); kind {
		case connect.KindArray, connect.KindMap, connect.KindStruct, connect.KindDecimal, connect.KindInstant:
			return &NotPrimitiveError{Field: a.Name, Kind: strings.ToUpper(kind.String())}
		}
	}
	return nil
}

// NotPrimitiveError says, in Java's words, that a member of a partition or an offset is neither text, number, boolean, bytes nor null.
type NotPrimitiveError struct{ Field, Kind string }

func (e *NotPrimitiveError) Error() string {
	return fmt.Sprintf("Offsets may only contain primitive types as values, but field %s contains %s", e.Field, e.Kind)
}
