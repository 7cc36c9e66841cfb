package transforms

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// fieldPath leads to a field, step by step (org.apache.kafka.connect.transforms.field.SingleFieldPath, KIP-821).
type fieldPath struct {
	steps []string
}

var fieldSyntaxKey = connect.StringKey("field.syntax.version",
	"V1: the whole text is one name. V2: dots lead to fields of fields, and a name with dots stands in backticks.").
	Default("V1").Importance(connect.High).Must(connect.OneOfFold("V1", "V2"))

func newFieldPath(text, syntax string) (fieldPath, error) {
	if strings.EqualFold(syntax, "V1") {
		return fieldPath{steps: []string{text}}, nil
	}
	var p fieldPath
	rest := text
	for rest != "" {
		if rest[0] != '`' {
			step, after, more := strings.Cut(rest, ".")
			p.steps = append(p.steps, step)
			if rest = after; more && rest == "" {
				p.steps = append(p.steps, "")
			}
			continue
		}
		step, after, closed := quotedStep(rest[1:])
		if !closed {
			return p, fmt.Errorf("incomplete backtick pair in path: [%s], consider adding a backslash before backtick at position %d to escape it",
				text, len(text)-len(rest))
		}
		p.steps = append(p.steps, step)
		if rest = after; rest == "." {
			p.steps = append(p.steps, "")
		}
		rest = strings.TrimPrefix(rest, ".")
	}
	return p, nil
}

// quotedStep reads up to the backtick that ends a name: one at the end of the text or before a dot, without a backslash before it.
func quotedStep(text string) (step, after string, closed bool) {
	var name strings.Builder
	start := 0
	for at := 0; at < len(text); at++ {
		if text[at] != '`' {
			continue
		}
		escaped := at > 0 && text[at-1] == '\\'
		switch {
		case at == len(text)-1 && escaped:
			return "", "", false
		case at == len(text)-1, text[at+1] == '.' && !escaped:
			name.WriteString(text[start:at])
			return name.String(), text[at+1:], true
		case text[at+1] == '.':
			name.WriteString(text[start:at-1] + "`")
			start = at + 1
		}
	}
	return "", "", false
}

// last is the step to the field itself; a path without any is an error, as it is in Java at the first record.
func (p fieldPath) last() (before []string, last string, err error) {
	if len(p.steps) == 0 {
		return nil, "", fmt.Errorf("%w: the path to the field is empty", connect.ErrData)
	}
	return p.steps[:len(p.steps)-1], p.steps[len(p.steps)-1], nil
}

// schema is the schema of the field; nil where there is none.
func (p fieldPath) schema(s *connect.Schema) (*connect.Schema, error) {
	if _, _, err := p.last(); err != nil {
		return nil, err
	}
	for _, step := range p.steps {
		if s.Kind() != connect.KindStruct {
			return nil, fmt.Errorf("%w: Cannot look up fields on non-struct type", connect.ErrData)
		}
		i := s.Index(step)
		if i < 0 {
			return nil, nil
		}
		s = s.Fields()[i].Schema
	}
	return s, nil
}

const nestedPurpose = "nested field access"

// inStruct is the field's value, null where the way to it ends. Defaults on the way are always taken.
func (p fieldPath) inStruct(st *connect.Struct, n nulls) (connect.Value, error) {
	before, last, err := p.last()
	if err != nil {
		return connect.Value{}, err
	}
	for _, step := range before {
		v := st.Get(step)
		if v.IsNull() {
			return v, nil
		}
		if st, err = requireStruct(v, nestedPurpose); err != nil {
			return v, err
		}
	}
	if i := st.Schema().Index(last); i >= 0 {
		return n.at(st, i), nil
	}
	return connect.Value{}, nil
}

func (p fieldPath) inMap(m *connect.Map) (connect.Value, error) {
	before, last, err := p.last()
	if err != nil {
		return connect.Value{}, err
	}
	for _, step := range before {
		v, _ := m.Get(connect.String(step))
		if v.IsNull() {
			return v, nil
		}
		if m, err = requireMap(v, nestedPurpose); err != nil {
			return v, err
		}
	}
	v, _ := m.Get(connect.String(last))
	return v, nil
}
