package values

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/connect"
)

// maxNesting bounds the lists and maps within each other that [Parse] follows.
const maxNesting = 1000

// errNesting is not of class ErrData, so that no level takes it for the sign to try something else.
var errNesting = errors.New("values: lists and maps are nested too deeply")

// datum is a value with the schema that its text suggests; the zero datum is null.
type datum struct {
	schema *connect.Schema
	value  connect.Value
}

// Parse guesses the type of a text as Values.parseString does: null, true, 42 (of the smallest type), 2.5, 2023-01-02, [1,2], {"a":1};
// whatever fits nothing is a string. What Java is known for is kept: 007 is 7, 1.0 is 1, text behind a list is dropped. Its only
// error is for lists nested too deeply.
func Parse(text string) (*connect.Schema, connect.Value, error) {
	if text == "" {
		return connect.StringSchema, connect.String(""), nil
	}
	p := parser{tokens: tokens{text: text}}
	d, err := p.parse(topLevel)
	return d.schema, d.value, err
}

type parser struct {
	tokens
	depth int
}

func (p *parser) parse(at nesting) (datum, error) {
	switch {
	case !p.more():
		return datum{}, nil
	case at == embedded && p.take(`"`):
		return p.quoted(), nil
	case p.literal(at, "null"):
		return datum{}, nil
	case p.literal(at, "true"):
		return datum{connect.BooleanSchema, connect.Boolean(true)}, nil
	case p.literal(at, "false"):
		return datum{connect.BooleanSchema, connect.Boolean(false)}, nil
	}
	if d, ok, err := p.container(); ok || err != nil {
		return d, err
	}
	token := p.next()
	if isBlank(token) {
		return datum{connect.StringSchema, connect.String(token)}, nil
	}
	return p.scalar(at, trim(token))
}

// literal takes one of the three words. At the top level nothing may follow it.
func (p *parser) literal(at nesting, word string) bool {
	start := p.mark()
	if p.take(word) && (at == embedded || !p.more()) {
		return true
	}
	p.rewind(start)
	return false
}

// container reads a list or a map; ok is false where there is none, or none that is whole, and the next token is then its bracket.
func (p *parser) container() (d datum, ok bool, err error) {
	if p.depth == maxNesting {
		return datum{}, false, errNesting
	}
	p.depth++
	defer func() { p.depth-- }()
	start := p.mark()
	switch {
	case p.take("["):
		d, err = p.array()
	case p.take("{"):
		d, err = p.mapping()
	default:
		return datum{}, false, nil
	}
	if errors.Is(err, connect.ErrData) {
		p.rewind(start)
		return datum{}, false, nil
	}
	return d, err == nil, err
}

// scalar reads a token that starts with no delimiter, and with what follows if it is a time, whose colons are delimiters.
func (p *parser) scalar(at nesting, token string) (datum, error) {
	first, _ := utf8.DecodeRuneInString(token)
	isDigit := digitOf(first) >= 0
	if isDigit {
		if d, ok := p.temporal(token); ok {
			return d, nil
		}
	}
	if isDigit || first == '+' || first == '-' {
		if n, err := ParseDecimal(token); err == nil {
			return number(n), nil
		}
	}
	if at == embedded {
		return datum{}, fmt.Errorf("%w: %q is no value of a list or map", connect.ErrData, token)
	}
	return datum{connect.StringSchema, connect.String(p.text)}, nil
}

func (p *parser) temporal(token string) (datum, bool) {
	start := p.mark()
	if rest, ok := p.nextN(4); ok {
		if d, ok := parseTemporal(token + rest); ok {
			return d, true
		}
	}
	p.rewind(start)
	return parseTemporal(token)
}

// quoted reads a string up to its closing quote, or to the end. Blanks before a delimiter are lost, as everywhere. Only times are
// told from strings here.
func (p *parser) quoted() datum {
	var content []byte
	for p.more() && !p.take(`"`) {
		content = append(content, p.next()...)
	}
	text := string(content)
	if d, ok := parseTemporal(text); ok {
		return d
	}
	return datum{connect.StringSchema, connect.String(text)}
}

func (p *parser) array() (datum, error) {
	var elems []connect.Value
	var common merger
	for p.more() {
		if p.take("]") {
			aligned, err := alignAll(common.schema, elems)
			return datum{connect.ArraySchema(common.schema), connect.Array(aligned)}, err
		}
		if p.take(",") {
			return datum{}, fmt.Errorf("%w: a list has an empty element", connect.ErrData)
		}
		elem, err := p.parse(embedded)
		if err != nil {
			return datum{}, err
		}
		common.merge(elem.schema)
		elems = append(elems, elem.value)
		before := p.mark()
		if p.take("]") {
			p.rewind(before)
		} else if !p.take(",") {
			return datum{}, fmt.Errorf("%w: a list lacks a comma", connect.ErrData)
		}
	}
	return datum{}, fmt.Errorf("%w: a list has no end", connect.ErrData)
}

func (p *parser) mapping() (datum, error) {
	m := connect.NewMap(0)
	var keys, vals merger
	for p.more() {
		if p.take("}") {
			return alignMap(m, keys.schema, vals.schema)
		}
		if p.take(",") {
			return datum{}, fmt.Errorf("%w: a map has an empty entry", connect.ErrData)
		}
		key, err := p.parse(embedded)
		if err != nil {
			return datum{}, err
		}
		if key.value.IsNull() || !p.take(":") {
			return datum{}, fmt.Errorf("%w: a map has an entry without key and colon", connect.ErrData)
		}
		val, err := p.parse(embedded)
		if err != nil {
			return datum{}, err
		}
		m.Put(key.value, val.value)
		p.take(",")
		keys.merge(key.schema)
		vals.merge(val.schema)
	}
	return datum{}, fmt.Errorf("%w: a map has no end", connect.ErrData)
}

// number chooses the smallest type: a whole number the integer that holds it, another one a float, and what is beyond all a
// Decimal.
func number(d *connect.Decimal) datum {
	if n, ok := whole(d); ok {
		return integral(n)
	}
	text := string(AppendDecimal(nil, d))
	if f, _ := strconv.ParseFloat(text, 32); !math.IsInf(f, 0) && d.Scale != 0 {
		return datum{connect.Float32Schema, connect.Float32(float32(f))}
	}
	if f, _ := strconv.ParseFloat(text, 64); !math.IsInf(f, 0) && d.Scale != 0 {
		return datum{connect.Float64Schema, connect.Float64(f)}
	}
	return datum{connect.DecimalSchema(d.Scale), connect.DecimalOf(d)}
}

// whole returns d as an integer of 64 bits, if it is one. It never writes out the zeros of 1e999999999.
func whole(d *connect.Decimal) (int64, bool) {
	n := d.Unscaled
	digits := len(n.Bits()) * 20
	switch {
	case n.Sign() == 0:
		return 0, true
	case d.Scale < -19, int(d.Scale) > digits:
		return 0, false
	case d.Scale < 0:
		n = new(big.Int).Mul(n, powerOfTen(-d.Scale))
	case d.Scale > 0:
		quotient, rest := new(big.Int).QuoRem(n, powerOfTen(d.Scale), new(big.Int))
		if rest.Sign() != 0 {
			return 0, false
		}
		n = quotient
	}
	return n.Int64(), n.IsInt64()
}

func integral(n int64) datum {
	switch {
	case n == int64(int8(n)):
		return datum{connect.Int8Schema, connect.Int8(int8(n))}
	case n == int64(int16(n)):
		return datum{connect.Int16Schema, connect.Int16(int16(n))}
	case n == int64(int32(n)):
		return datum{connect.Int32Schema, connect.Int32(int32(n))}
	}
	return datum{connect.Int64Schema, connect.Int64(n)}
}
