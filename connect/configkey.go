package connect

import (
	"fmt"
	"strings"
)

// Key is a typed key: one declaration is its check, its documentation and its default. Its methods return changed copies, so a key is declared in
// one expression and never changes afterwards.
type Key[T any] struct {
	def  KeyDef
	read func(Value) T
	text func(T) string
}

// StringKey declares a text. It is required until [Key.Default] or [Key.Optional] says otherwise, and so are the others.
func StringKey(name, doc string) Key[string] {
	return newKey(name, doc, TypeString, readText, keepText)
}

// ClassKey declares the name of a class: a converter, a transform.
func ClassKey(name, doc string) Key[string] { return newKey(name, doc, TypeClass, readText, keepText) }

// PasswordKey declares a secret: its value is never shown.
func PasswordKey(name, doc string) Key[string] {
	return newKey(name, doc, TypePassword, readText, keepText)
}

// BoolKey declares true or false.
func BoolKey(name, doc string) Key[bool] {
	return newKey(name, doc, TypeBoolean, Value.Bool, func(v bool) string { return fmt.Sprint(v) })
}

// ShortKey declares a number of 16 bits.
func ShortKey(name, doc string) Key[int] {
	return newKey(name, doc, TypeShort, readInt, formatInt[int])
}

// IntKey declares a number of 32 bits.
func IntKey(name, doc string) Key[int] { return newKey(name, doc, TypeInt, readInt, formatInt[int]) }

// LongKey declares a number of 64 bits.
func LongKey(name, doc string) Key[int64] {
	return newKey(name, doc, TypeLong, Value.Int64, formatInt[int64])
}

// DoubleKey declares a floating-point number.
func DoubleKey(name, doc string) Key[float64] {
	return newKey(name, doc, TypeDouble, Value.Float64, formatDouble)
}

// ListKey declares texts separated by commas; there is no way to have a comma in one.
func ListKey(name, doc string) Key[[]string] {
	return newKey(name, doc, TypeList, readList, func(v []string) string { return strings.Join(v, ",") })
}

func newKey[T any](name, doc string, t Type, read func(Value) T, text func(T) string) Key[T] {
	return Key[T]{
		def:  KeyDef{Name: name, Type: t, Doc: doc, Importance: Medium, Width: WidthNone, Order: -1},
		read: read, text: text,
	}
}

func readText(v Value) string             { return v.Str() }
func keepText(v string) string            { return v }
func readInt(v Value) int                 { return int(v.Int64()) }
func formatInt[T int | int64](v T) string { return fmt.Sprint(v) }

func readList(v Value) []string {
	list := make([]string, 0, len(v.Array()))
	for _, e := range v.Array() {
		list = append(list, e.Str())
	}
	return list
}

// Default is what an unset key stands for.
func (k Key[T]) Default(v T) Key[T] {
	k.def.Default = TextDefault(k.text(v))
	return k
}

// Optional lets the key be unset without a default: Get then gives the zero value.
func (k Key[T]) Optional() Key[T] {
	k.def.Default = NullDefault()
	return k
}

// Must adds a check, after those already there. Null reaches it only where the key is required and missing, or where the text does not parse, which
// are errors by themselves: a check may say more about that, as [AtLeast] does, and need not.
func (k Key[T]) Must(c Check) Key[T] {
	if before := k.def.Check; before != nil {
		c = All(before, c)
	}
	k.def.Check = c
	return k
}

// Importance ranks the key; [Medium] unless said.
func (k Key[T]) Importance(i Importance) Key[T] {
	k.def.Importance = i
	return k
}

// Group places the key in forms.
func (k Key[T]) Group(group string, order int, width Width, display string) Key[T] {
	k.def.Group, k.def.Order, k.def.Width, k.def.DisplayName = group, order, width, display
	return k
}

// Dependents are keys that are looked at again when this one changes.
func (k Key[T]) Dependents(names ...string) Key[T] {
	k.def.Dependents = names
	return k
}

// Recommend offers values.
func (k Key[T]) Recommend(r Recommender) Key[T] {
	k.def.Recommend = r
	return k
}

// Name is the key's name.
func (k Key[T]) Name() string { return k.def.Name }

// Definition implements [Definer].
func (k Key[T]) Definition() KeyDef { return k.def }

// Get returns the value in cfg or else the default, the zero value where there is none. It panics with a [*ConfigError] for text that does not
// parse: a configuration is validated before anybody reads it.
func (k Key[T]) Get(cfg Config) T {
	v, _ := k.Lookup(cfg)
	return v
}

// Lookup is Get that also tells whether there is a value or a default.
func (k Key[T]) Lookup(cfg Config) (value T, ok bool) {
	text, given := cfg[k.def.Name]
	if !given {
		if text, ok = k.def.Default.Text(); !ok {
			return value, false
		}
	}
	v, err := k.def.Type.Parse(text)
	if err != nil {
		panic(&ConfigError{Key: k.def.Name, Reason: "read before it was validated: " + err.Error()})
	}
	return k.read(v), true
}

// Set reports whether cfg has the key with more than blanks.
func (k Key[T]) Set(cfg Config) bool { return strings.TrimSpace(cfg[k.def.Name]) != "" }
