package converters

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func bareValue(t *testing.T, c *JSON, text string) connect.Value {
	t.Helper()
	data := []byte(text)
	_, v, err := c.Decode("t", data)
	require.NoError(t, err, text)
	return v
}

// Whatever was read before, an object is what its text says.
func TestObjectsOfManyShapesAreReadAsEachForItself(t *testing.T) {
	texts := []string{
		`{"a":1,"b":2,"c":3}`, `{"a":1,"b":2}`, `{"a":1}`, `{}`, `{"a":1,"b":2,"c":3,"d":4}`, `{"b":2,"a":1}`, `{"a":1,"c":3}`,
		`{"a":1,"a":2,"b":3}`, `{"a":1,"b":2,"b":3,"c":4}`, `{ "a" : 1 , "b" : 2 , "c" : 3 }`, `{"\u0061":1,"b":2,"c":3}`, `{"a\"b":1,"b":2}`,
		`{"é":1,"b":2}`, `{"":1}`, `{"a":{"a":1,"b":{"a":1}},"b":[{"a":1,"b":2},{"a":1},{"b":1}],"c":{}}`, `{"a":{"x":1},"b":{"x":2},"c":{"y":3}}`,
		`{"😀":1,"b":2}`,
	}
	for size := range 40 { // names that differ in one byte, or in their length
		name := strings.Repeat("x", size)
		texts = append(texts, fmt.Sprintf(`{"a":1,"%s":-2.5,"b":true}`, name), fmt.Sprintf(`{"a":null,"%s":"text","b":false}`, name))
		if size > 0 {
			texts = append(texts, fmt.Sprintf(`{"a":1,"%sy%s":2,"b":true}`, name[:size/2], name[size/2+1:]))
		}
	}
	for i := range 40 {
		texts = append(texts, fmt.Sprintf(`{"id":"x","sensor-%d":%d.5}`, i, i))
	}
	c := NewJSON(JSONOptions{})
	for round := range 3 {
		for i, first := range texts {
			for _, second := range []string{first, texts[(i*7+round)%len(texts)]} {
				want, got := bareValue(t, NewJSON(JSONOptions{}), second), bareValue(t, c, second)
				require.Equal(t, want.String(), got.String(), "%s after %s", second, first)
				require.True(t, want.Equal(got))
			}
		}
	}
}

func TestWhatIsWrongInAnObjectOfAKnownShapeIsSaid(t *testing.T) {
	for _, text := range []string{`{"a":1,"b":2`, `{"a":1,"b":}`, `{"a":1,"b"2}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":1,"b":2,"c":3`, `{"a`, `{"a":1,"b":01x}`, `{"a":1,b:2}`} {
		c := NewJSON(JSONOptions{})
		bareValue(t, c, `{"a":1,"b":2}`)
		_, _, want := NewJSON(JSONOptions{}).Decode("t", []byte(text))
		_, _, err := c.Decode("t", []byte(text))
		require.ErrorIs(t, err, connect.ErrData)
		require.EqualError(t, err, want.Error(), text)
	}
}

func TestObjectsOfOneShapeShareTheirKeysAndNotTheirText(t *testing.T) {
	c := NewJSON(JSONOptions{})
	data := []byte(`{"device":"sensor-1","temp":21.5}`)
	_, first, err := c.Decode("t", data)
	require.NoError(t, err)
	require.Equal(t, "{device: sensor-1, temp: 21.5}", first.String())
	for i := range data {
		data[i] = 'x' // the record is done with
	}
	second, third := bareValue(t, c, `{"device":"sensor-2","temp":22.5}`), bareValue(t, c, `{"device":"sensor-3","temp":23.5}`)
	assert.Equal(t, "{device: sensor-2, temp: 22.5}", second.String())
	assert.Same(t, second.Map().Keys(), third.Map().Keys())
	allocated := testing.AllocsPerRun(1000, func() { _, _, _ = c.Decode("t", []byte(`{"device":"sensor-2","temp":22.5}`)) })
	assert.LessOrEqual(t, allocated, 1.0, "the bytes themselves, and a piece now and then")
}

// Where names are data nothing is to be learnt, and what follows is learnt nevertheless.
func TestNamesThatNeverComeAgainAreNotKeptForEach(t *testing.T) {
	c := NewJSON(JSONOptions{})
	for i := range 1000 {
		bareValue(t, c, fmt.Sprintf(`{"sensor-%d":1}`, i))
	}
	require.LessOrEqual(t, c.reading.shapes.debt, learningMax+learning)
	bareValue(t, c, `{"`+strings.Repeat("long", shapeText)+`":1}`)
	for range 2 * learningMax {
		bareValue(t, c, `{"device":"sensor-2"}`)
	}
	assert.Same(t, bareValue(t, c, `{"device":"a"}`).Map().Keys(), bareValue(t, c, `{"device":"b"}`).Map().Keys())
}

// Objects within an object may put their shapes in the place of its own while it is read.
func TestAnObjectKeepsItsShapeWhileThoseWithinAreLearnt(t *testing.T) {
	c := NewJSON(JSONOptions{})
	bareValue(t, c, `{"outer":1,"end":2}`)
	var within strings.Builder
	for n := range 2 * shapesMost {
		for range learning + 1 {
			within.WriteString(`{"known":1},`) // works off what the next costs
		}
		fmt.Fprintf(&within, `{"new%d":1,"end":2,"more":3},`, n)
	}
	text := `{"outer":[` + within.String() + `{}],"end":2,"more":3}`
	require.Equal(t, bareValue(t, NewJSON(JSONOptions{}), text).String(), bareValue(t, c, text).String())
}
