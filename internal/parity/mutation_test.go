package parity

import (
	"encoding/hex"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// mutation puts known vectors together anew: the configuration of one with the record of another, with other numbers and texts in it.
type mutation struct {
	drawer
	known map[string][]vector
	texts []string // that are in values
}

func newMutation(d drawer, known map[string][]vector) *mutation {
	m := &mutation{drawer: d, known: known, texts: []string{
		"2024-02-29", "2024-02-29T12:34:56.789Z", "1e400", "0x1p3", " 12 ", "١٢", "True", "TRUE", "no", "+5", "5d", "5f", "NaN", "-0", "1_000", "\u2028", "😀",
	}}
	for _, name := range []string{"header-converter", "json-converter", "simple-converters", "transforms"} {
		for _, v := range known[name] {
			m.collect(map[string]any(v))
		}
	}
	slices.Sort(m.texts)
	m.texts = slices.Compact(m.texts)
	return m
}

// collect gathers the strings of values.
func (m *mutation) collect(x any) {
	switch x := x.(type) {
	case map[string]any:
		for _, e := range x {
			m.collect(e)
		}
	case []any:
		if kind, text := kindOf(x), textAt(x, 1); kind == "string" && len(x) == 2 {
			m.texts = append(m.texts, text)
		}
		for _, e := range x {
			m.collect(e)
		}
	}
}

func kindOf(v []any) string { return textAt(v, 0) }

func textAt(v []any, i int) string {
	if i >= len(v) {
		return ""
	}
	s, _ := v[i].(string)
	return s
}

var (
	integers = []string{
		"0", "1", "-1", "127", "-128", "128", "32767", "-32768", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "1700000000123",
		"86400000", "-1500", "62135596800000", "-62135596800001",
	}
	moments = []string{"0", "1", "-1", "1700000000123", "86400000", "-1500", "-86400000", "253402300799999", "-62135596800000"}
	floats  = []string{
		"0.0", "-0.0", "1.5", "-2.5", "NaN", "Infinity", "-Infinity", "1.0E21", "3.4028235E38", "1.0E-7", "123456.789", "0.1", "1.0E7", "0.001",
	}
	slips = []string{
		"null", "true", "1", "-1", "1e3", "1.5", `"`, "{}", "[]", ",", ":", "{", "}", "[", "]", `\`, `\u0041`, " ", "\n", "99999999999999999999", "0.1E-5", `"x"`,
		"-0", "NaN", "01", "2020-01-01", "é", "//", "/*a*/", "'a'",
	}
	atoms = []string{
		"null", "0", "-7", `"x"`, `"int8"`, `"int32"`, `"string"`, `"float"`, `"double"`, `"org.apache.kafka.connect.data.Decimal"`, `"scale"`, `"bytes"`, "true",
		"12.75", `"AQI="`, "1e5", "300", `"struct"`, `"array"`,
	}
	atom = regexp.MustCompile(`"[^"]*"|-?\d+(\.\d+)?`)
)

func (m *mutation) one(name string) vector { return m.known[name][m.IntN(len(m.known[name]))] }

// oneOf is one of a file's vectors with this op.
func (m *mutation) oneOf(name, op string) vector {
	for {
		if v := m.one(name); v.text("op") == op {
			return v
		}
	}
}

// value is v with other scalars of the same kinds, each with the probability p.
func (m *mutation) value(x any, p float64) any {
	v, ok := x.([]any)
	if !ok || len(v) < 2 {
		return x
	}
	kind := kindOf(v)
	switch kind {
	case "array", "map", "struct":
		return m.elements(kind, v, p)
	}
	if m.Float64() > p {
		return x
	}
	out := slices.Clone(v)
	switch kind {
	case "int8", "int16", "int32":
		bits := map[string]uint{"int8": 8, "int16": 16, "int32": 32}[kind]
		n, _ := new(big.Int).SetString(m.of(integers...), 10)
		low := n.Int64() << (64 - bits) >> (64 - bits)
		out[1] = low
	case "int64", "decimal":
		out[1] = m.of(integers...)
	case "float32", "float64":
		out[1] = m.of(floats...)
	case "boolean":
		out[1] = m.IntN(2) == 0
	case "string":
		out[1] = m.string(textAt(v, 1))
	case "date":
		out[1] = m.of(moments...)
	}
	return out
}

func (m *mutation) elements(kind string, v []any, p float64) any {
	old, _ := v[1].([]any)
	elements := make([]any, 0, len(old))
	for _, e := range old {
		pair, _ := e.([]any)
		switch {
		case kind == "array":
			e = m.value(e, p)
		case kind == "map":
			e = []any{m.value(pair[0], p/4), m.value(pair[1], p)}
		default:
			e = []any{pair[0], m.value(pair[1], p)}
		}
		elements = append(elements, e)
	}
	out := slices.Clone(v)
	out[1] = elements
	return out
}

// string is another text, or this one with something added, taken away or changed.
func (m *mutation) string(s string) string {
	runes := []rune(s)
	i := m.IntN(len(runes) + 1)
	switch n := m.IntN(10); {
	case n < 4 || s == "":
		return m.of(m.texts...)
	case n < 6:
		return s + m.of(m.texts...)
	case n < 8:
		return string(slices.Delete(runes, min(i, len(runes)-1), min(i, len(runes)-1)+1))
	default:
		return string(runes[:i]) + m.of(strings.Split(` .,:;-+eE0123456789"\{}[]'äTZ`, "")...) + string(runes[i:])
	}
}

// document is a text for a parser with some slips in it.
func (m *mutation) document(s string, pool []string) string {
	for range 1 + m.IntN(3) {
		runes := []rune(s)
		i := m.IntN(len(runes) + 1)
		switch m.IntN(4) {
		case 0:
			other := []rune(m.of(pool...))
			s = string(runes[:i]) + string(other[m.IntN(len(other)+1):])
		case 1:
			s = string(slices.Delete(runes, i, min(len(runes), i+1+m.IntN(3))))
		case 2:
			s = string(runes[:i]) + m.of(slips...) + string(runes[i:])
		default:
			if at := atom.FindAllStringIndex(s, -1); len(at) > 0 {
				span := at[m.IntN(len(at))]
				s = s[:span[0]] + m.of(atoms...) + s[span[1]:]
			}
		}
	}
	return s
}

// datum is a schema with a value, from anywhere.
func (m *mutation) datum() map[string]any {
	var from map[string]any
	switch m.IntN(3) {
	case 0:
		from = m.record(m.one("transforms"))[m.of("key", "value")].(map[string]any)
	case 1:
		from = m.oneOf("header-converter", "from")
	default:
		from = m.oneOf("json-converter", "from")
	}
	return map[string]any{"schema": from["schema"], "value": m.value(from["value"], 0.5)}
}

func (m *mutation) record(v vector) map[string]any {
	r, _ := v["in"].(map[string]any)
	return r
}

// transform is a transform with a configuration of its kind and a record of any.
func (m *mutation) transform() vector {
	v := m.oneOf("transforms", "transform")
	kind, _, _ := strings.Cut(v.text("transform"), "$")
	config := map[string]any{}
	for n := 1 + m.IntN(5)/4; n > 0; n-- { // of one or, seldom, of two together
		other := m.oneOf("transforms", "transform")
		for !strings.HasPrefix(other.text("transform"), kind) {
			other = m.oneOf("transforms", "transform")
		}
		for key, value := range other["config"].(map[string]any) {
			config[key] = value
		}
	}
	from := v
	if m.IntN(2) == 0 {
		from = m.one("transforms")
	}
	in := map[string]any{}
	for member, value := range m.record(from) {
		in[member] = value
	}
	for _, side := range []string{"key", "value"} {
		if m.IntN(4) == 0 {
			d := m.datum()
			for v, _ := d["value"].([]any); len(v) == 3 && kindOf(v) == "struct"; v, _ = d["value"].([]any) { // no record has a struct under another schema
				d = m.datum()
			}
			in[side] = d
		} else if d := in[side].(map[string]any); m.IntN(2) == 0 {
			in[side] = map[string]any{"schema": d["schema"], "value": m.value(d["value"], 0.3)}
		}
	}
	return vector{"op": "transform", "transform": v.text("transform"), "config": config, "kind": from.text("kind"), "in": in}
}

// from and to are what all converters are asked.
func (m *mutation) from(v vector) vector {
	for member, value := range m.datum() {
		v[member] = value
	}
	v["op"] = "from"
	return v
}

func (m *mutation) to(v vector, name string) vector {
	var pool []string
	for _, other := range m.known[name] {
		for _, side := range []string{"in", "out"} {
			if b, ok := other[side].(map[string]any); ok && b["text"] != nil {
				pool = append(pool, b["text"].(string))
			}
		}
	}
	text := m.of(pool...)
	switch m.IntN(6) {
	case 0:
	case 1:
		text = "[" + text + "," + m.of(pool...) + "]"
	case 2:
		text = "{" + text + ":" + m.of(pool...) + "}"
	default:
		text = m.document(text, pool)
	}
	v["op"], v["in"] = "to", map[string]any{"text": text}
	return v
}

func (m *mutation) json() vector {
	v := vector{"config": m.one("json-converter")["config"]}
	if m.IntN(2) == 0 {
		return m.from(v)
	}
	return m.to(v, "json-converter")
}

func (m *mutation) header() vector {
	seat := m.one("header-converter")
	v := vector{"converter": seat["converter"], "config": seat["config"]}
	if m.IntN(3) == 0 {
		return m.from(v)
	}
	return m.to(v, "header-converter")
}

func (m *mutation) simple() vector {
	seat := m.one("simple-converters")
	v := vector{"converter": seat["converter"], "seat": seat["seat"], "config": seat["config"]}
	if m.IntN(2) == 0 {
		return m.from(v)
	}
	raw := make([]byte, []int{0, 1, 2, 3, 4, 5, 8, 9}[m.IntN(8)])
	for i := range raw {
		raw[i] = byte(m.IntN(256))
	}
	v["op"], v["in_hex"] = "to", hex.EncodeToString(raw)
	return v
}

// parse is a text for one of ConfigDef's types; not a class, which is looked up among Java's.
func (m *mutation) parse() vector {
	var pool, types []string
	for _, v := range m.known["configdef"] {
		if text, ok := v["text"].(string); ok && v.text("type") != "CLASS" {
			pool, types = append(pool, text), append(types, v.text("type"))
		}
	}
	return vector{"op": "parse", "type": m.of(types...), "key": "some.key", "text": m.document(m.of(pool...), pool)}
}

// write is an offset whose partition and position have members of any vectors, changed.
func (m *mutation) write() vector {
	v := vector{"op": "write", "map": m.of("HashMap", "HashMap", "HashMap", "LinkedHashMap"), "connector": m.oneOf("offset-keys", "write")["connector"]}
	for _, side := range []string{"partition_put_in_order", "offset_put_in_order"} {
		members := []any{}
		for range m.IntN(14) {
			others, _ := m.oneOf("offset-keys", "write")[m.of("partition_put_in_order", "offset_put_in_order")].([]any)
			if len(others) == 0 {
				continue
			}
			pair := others[m.IntN(len(others))].([]any)
			name, _ := pair[0].(string)
			if m.IntN(3) == 0 {
				name = m.string(name)
			}
			if name != "" && !slices.ContainsFunc(members, func(e any) bool { return e.([]any)[0] == name }) {
				members = append(members, []any{name, m.value(pair[1], 0.5)})
			}
		}
		v[side] = members
	}
	return v
}
