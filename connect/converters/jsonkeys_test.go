package converters

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// However often keys come, and whatever came between, a map is written as by a converter that never met them.
func TestMapsThatShareKeysAreWrittenAsEachForItself(t *testing.T) {
	text := connect.String
	inner := connect.NewKeys(text("x"), text(`y"z`))
	lists := []*connect.Keys{
		connect.NewKeys(text("a"), text("é"), text("\n")), connect.NewKeys(text("")), connect.NewKeys(),
		connect.NewKeys(text("a"), connect.Int32(1)), connect.NewKeys(connect.Int32(1), text("a")), inner,
	}
	for i := range keysMost {
		lists = append(lists, connect.NewKeys(text("k"), text(string(rune('a'+i)))))
	}
	many := make([]connect.Value, 2*shapeKeys)
	for i := range many {
		many[i] = text(string(rune('a' + i)))
	}
	lists = append(lists, connect.NewKeys(many...))
	c := NewJSON(JSONOptions{})
	for round := range 4 {
		for i, keys := range lists {
			for range i%3 + 1 {
				m := keys.Map()
				for n := range m.Len() {
					within := inner.Map()
					within.SetAt(0, connect.Int32(int32(round)))
					m.SetAt(n, connect.MapOf(within))
				}
				want, err := NewJSON(JSONOptions{}).Encode(&Arena{}, "t", nil, connect.MapOf(m))
				require.NoError(t, err)
				got, err := c.Encode(&Arena{}, "t", nil, connect.MapOf(m))
				require.NoError(t, err)
				require.Equal(t, string(want), string(got))
			}
		}
	}
}

func TestWhatCannotBeWrittenIsNamedByItsKey(t *testing.T) {
	m := connect.NewKeys(connect.String("total")).Map()
	m.SetAt(0, connect.Instant(1))
	c := NewJSON(JSONOptions{})
	for range 3 {
		_, err := c.Encode(&Arena{}, "t", nil, connect.MapOf(m))
		require.ErrorIs(t, err, connect.ErrData)
		require.ErrorContains(t, err, "entry total: ")
	}
}
