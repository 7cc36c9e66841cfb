package mqtt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// key is a typed configuration key: its definition and how its text is read.
type key[T any] struct {
	def   connect.KeyDef
	parse func(text string) (T, error)
}

// Definition implements connect.Definer.
func (k key[T]) Definition() connect.KeyDef { return k.def }

// Get returns the value in cfg, else the default. Text that does not parse has been refused before any task starts; here it
// counts as unset.
func (k key[T]) Get(cfg connect.Config) T {
	if text, ok := cfg[k.def.Name]; ok {
		if v, err := k.parse(strings.TrimSpace(text)); err == nil {
			return v
		}
	}
	var zero T
	text, ok := k.def.Default.Text()
	if !ok {
		return zero
	}
	v, err := k.parse(text)
	if err != nil {
		return zero
	}
	return v
}

// set reports whether cfg has the key.
func (k key[T]) set(cfg connect.Config) bool { return strings.TrimSpace(cfg[k.def.Name]) != "" }

// optional gives the key a default.
func (k key[T]) optional(text string) key[T] {
	k.def.Default = connect.TextDefault(text)
	return k
}

// unset makes the key optional without a value.
func (k key[T]) unset() key[T] {
	k.def.Default = connect.NullDefault()
	return k
}

func (k key[T]) check(c connect.Check) key[T] {
	k.def.Check = c
	return k
}

func (k key[T]) rank(i connect.Importance) key[T] {
	k.def.Importance = i
	return k
}

func (k key[T]) in(group string) key[T] {
	k.def.Group = group
	return k
}

func define[T any](name string, t connect.Type, doc string, parse func(string) (T, error)) key[T] {
	return key[T]{
		def: connect.KeyDef{
			Name: name, Type: t, Doc: doc,
			Importance: connect.Medium, Width: connect.WidthMedium, Order: -1,
		},
		parse: parse,
	}
}

func stringKey(name, doc string) key[string] {
	return define(name, connect.TypeString, doc, func(s string) (string, error) { return s, nil })
}

func passwordKey(name, doc string) key[string] {
	return define(name, connect.TypePassword, doc, func(s string) (string, error) { return s, nil }).unset()
}

func boolKey(name, doc string) key[bool] {
	return define(name, connect.TypeBoolean, doc, func(s string) (bool, error) { return strconv.ParseBool(strings.ToLower(s)) })
}

func intKey(name, doc string) key[int] {
	return define(name, connect.TypeInt, doc, strconv.Atoi)
}

func longKey(name, doc string) key[int64] {
	return define(name, connect.TypeLong, doc, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
}

// listKey is a list separated by commas; `\,` is a comma within an entry.
func listKey(name, doc string) key[[]string] {
	return define(name, connect.TypeList, doc, func(s string) ([]string, error) { return splitList(s), nil })
}

// seconds and millis read a number key as a duration.
func seconds(n int) time.Duration  { return time.Duration(n) * time.Second }
func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func splitList(text string) []string {
	var list []string
	var entry strings.Builder
	add := func() {
		if e := strings.TrimSpace(entry.String()); e != "" {
			list = append(list, e)
		}
		entry.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == ',':
			entry.WriteByte(',')
			i++
		case text[i] == ',':
			add()
		default:
			entry.WriteByte(text[i])
		}
	}
	add()
	return list
}

func joinList(list []string) string {
	escaped := make([]string, len(list))
	for i, e := range list {
		escaped[i] = strings.ReplaceAll(e, ",", `\,`)
	}
	return strings.Join(escaped, ",")
}

// between accepts whole numbers of a range, both ends included.
func between(low, high int64) connect.Check {
	return func(v connect.Value) error {
		switch v.Kind() {
		case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
			if n := v.Int64(); n < low || n > high {
				return fmt.Errorf("must be between %d and %d", low, high)
			}
		}
		return nil
	}
}

// atLeast accepts whole numbers from low on.
func atLeast(low int64) connect.Check {
	return func(v connect.Value) error {
		switch v.Kind() {
		case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
			if v.Int64() < low {
				return fmt.Errorf("must be at least %d", low)
			}
		}
		return nil
	}
}

// oneOf accepts some words.
func oneOf(words ...string) connect.Check {
	return func(v connect.Value) error {
		if v.Kind() != connect.KindString {
			return nil
		}
		for _, w := range words {
			if v.Str() == w {
				return nil
			}
		}
		return errors.New("must be one of " + strings.Join(words, ", "))
	}
}
