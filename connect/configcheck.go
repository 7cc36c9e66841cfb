package connect

import (
	"fmt"
	"slices"
	"strings"
)

// Checks, with the words of Java's validators (org.apache.kafka.common.config.ConfigDef).

// AtLeast refuses null and numbers below low.
func AtLeast[N int | int64 | float64](low N) Check {
	return func(v Value) error {
		switch {
		case v.IsNull():
			return refusal("Value must be non-null")
		case asFloat(v) < float64(low):
			return refusal("Value must be at least " + boundText(low))
		}
		return nil
	}
}

// Between refuses null and numbers outside of [low, high].
func Between[N int | int64 | float64](low, high N) Check {
	atLeast := AtLeast(low)
	return func(v Value) error {
		if err := atLeast(v); err != nil {
			return err
		}
		if asFloat(v) > float64(high) {
			return refusal("Value must be no more than " + boundText(high))
		}
		return nil
	}
}

// asFloat is how Java compares numbers with bounds, whatever their types.
func asFloat(v Value) float64 {
	switch v.Kind() {
	case KindFloat32, KindFloat64:
		return v.Float64()
	}
	return float64(v.Int64())
}

func boundText[N int | int64 | float64](bound N) string {
	if f, fraction := any(bound).(float64); fraction {
		return formatDouble(f)
	}
	return fmt.Sprint(bound)
}

// OneOf refuses what is not among the values.
func OneOf(values ...string) Check {
	return func(v Value) error {
		if v.IsNull() || !slices.Contains(values, v.Str()) {
			return refusal("String must be one of: " + strings.Join(values, ", "))
		}
		return nil
	}
}

// OneOfFold is OneOf without regard to case.
func OneOfFold(values ...string) Check {
	upper := make([]string, 0, len(values))
	for _, v := range values {
		upper = append(upper, strings.ToUpper(v))
	}
	return func(v Value) error {
		if v.IsNull() || !slices.Contains(upper, strings.ToUpper(v.Str())) {
			return refusal("String must be one of (case insensitive): " + strings.Join(upper, ", "))
		}
		return nil
	}
}

// EachOneOf refuses lists with an entry that is not among the values.
func EachOneOf(values ...string) Check {
	one := OneOf(values...)
	return func(v Value) error {
		if v.IsNull() {
			return nil
		}
		for _, e := range v.Array() {
			if err := one(e); err != nil {
				return &entryError{entry: e.Str(), cause: err}
			}
		}
		return nil
	}
}

// entryError names the entry of a list instead of the whole list.
type entryError struct {
	entry string
	cause error
}

func (e *entryError) Error() string { return e.cause.Error() }

// NotNull refuses null.
func NotNull(v Value) error {
	if v.IsNull() {
		return refusal("entry must be non null")
	}
	return nil
}

// NonEmpty refuses the empty text.
func NonEmpty(v Value) error {
	if !v.IsNull() && v.Str() == "" {
		return refusal("String must be non-empty")
	}
	return nil
}

// NonEmptyWithoutControls refuses the empty text and control characters.
func NonEmptyWithoutControls(v Value) error {
	if v.IsNull() {
		return nil
	}
	if v.Str() == "" {
		return refusal("String may not be empty")
	}
	var found []string
	for _, r := range v.Str() {
		if r < 0x20 || r >= 0x7f && r <= 0x9f {
			found = append(found, fmt.Sprint(int(r)))
		}
	}
	if found != nil {
		return refusal("String may not contain control sequences but had the following ASCII chars: " + strings.Join(found, ", "))
	}
	return nil
}

// Distinct refuses lists that name something twice, as those of transforms and predicates may not.
func Distinct(v Value) error {
	if v.IsNull() {
		return nil
	}
	seen := map[string]bool{}
	for _, e := range v.Array() {
		if seen[e.Str()] {
			return refusal("Duplicate alias provided.")
		}
		seen[e.Str()] = true
	}
	return nil
}

// AtMost refuses lists with more than n entries.
func AtMost(n int) Check {
	return func(v Value) error {
		if !v.IsNull() && len(v.Array()) > n {
			return refusal(fmt.Sprintf("exceeds maximum list size of [%d].", n))
		}
		return nil
	}
}

// All is the first refusal of several checks.
func All(checks ...Check) Check {
	return func(v Value) error {
		for _, c := range checks {
			if err := c(v); err != nil {
				return err
			}
		}
		return nil
	}
}
