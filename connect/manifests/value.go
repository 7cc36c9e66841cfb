package manifests

import (
	"errors"
	"fmt"
)

// kind is what a value is.
type kind int

const (
	null kind = iota
	text
	list
	object
)

// value is one of JSON's or YAML's. Numbers and booleans are texts as they stand in the file: 1.50 stays 1.50.
type value struct {
	kind    kind
	line    int // where it begins, from 1
	text    string
	items   []value  // of a list
	members []member // of an object, in order
}

type member struct {
	name  string
	value value
}

// depth bounds how deep values lie in one another: a YAML alias may lie in itself.
const depth = 50

var errDepth = errors.New("it is nested too deep")

func (v value) member(name string) (value, bool) {
	for _, m := range v.members {
		if m.name == name {
			return m.value, true
		}
	}
	return value{}, false
}

// repeated is the name of a member that stands there twice, which no reader would understand in the same way; "" for none.
func (v value) repeated() string {
	seen := make(map[string]bool, len(v.members))
	for _, m := range v.members {
		if seen[m.name] {
			return m.name
		}
		seen[m.name] = true
	}
	return ""
}

// textOf is a member that is a text; "" where there is none.
func (v value) textOf(name string) (string, error) {
	m, ok := v.member(name)
	if !ok || m.kind == null {
		return "", nil
	}
	s, err := m.scalar()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// scalar is what a configuration may have as a value.
func (v value) scalar() (string, error) {
	switch v.kind {
	case text:
		return v.text, nil
	case list:
		return "", errors.New("want a text, a number, true or false: Kafka Connect writes a list as one text with commas, a,b")
	case object:
		return "", errors.New("want a text, a number, true or false: Kafka Connect writes nested settings as keys with dots, a.b")
	}
	return "", errors.New("want a text, a number, true or false, not null: leave the key out")
}
