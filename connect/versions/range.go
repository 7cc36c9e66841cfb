package versions

import "strings"

// Latest asks for the highest version that there is.
const Latest = "latest"

// Asked is what a configuration asks for under a key; [Latest] where it says nothing.
func Asked(cfg map[string]string, key string) string {
	if spec, given := cfg[key]; given {
		return spec
	}
	return Latest
}

// RangeError says that a text is no range.
type RangeError struct{ reason string }

// Error is Maven's text.
func (e *RangeError) Error() string { return e.reason }

// Range is the versions that somebody asks for. The zero Range takes any.
type Range struct{ spans []span }

// span is a stretch of versions.
type span struct {
	low, high         *string // nil: no bound
	withLow, withHigh bool
}

// ParseRange reads what a plugin.version says: one version, a span as [1.0,2.0), several of them with commas between, or [Latest]
// (PluginUtils.connectorVersionRequirement). Its error is a [*RangeError].
func ParseRange(spec string) (Range, error) {
	if spec == Latest {
		return Range{}, nil
	}
	spec = strings.TrimSpace(spec)
	if !strings.HasPrefix(spec, "[") && !strings.HasPrefix(spec, "(") {
		spec = "[" + spec + "]"
	}
	return spans(spec)
}

func spans(spec string) (r Range, err error) {
	rest := spec
	for strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, "(") {
		end := strings.IndexAny(rest, ")]")
		if end < 0 {
			return Range{}, &RangeError{"Unbounded range: " + spec}
		}
		s, err := newSpan(rest[:end+1])
		if err != nil {
			return Range{}, err
		}
		if len(r.spans) > 0 {
			if before := r.spans[len(r.spans)-1].high; before != nil && (s.low == nil || Compare(*s.low, *before) < 0) {
				return Range{}, &RangeError{"Ranges overlap: " + spec}
			}
		}
		r.spans = append(r.spans, s)
		rest = strings.TrimSpace(rest[end+1:])
		if after, ok := strings.CutPrefix(rest, ","); ok {
			rest = strings.TrimSpace(after)
		}
	}
	if rest != "" {
		return Range{}, &RangeError{"Only fully-qualified sets allowed in multiple set scenario: " + spec}
	}
	return r, nil
}

func newSpan(spec string) (span, error) {
	s := span{withLow: spec[0] == '[', withHigh: spec[len(spec)-1] == ']'}
	within := strings.TrimSpace(spec[1 : len(spec)-1])
	low, high, two := strings.Cut(within, ",")
	if !two {
		if !s.withLow || !s.withHigh {
			return s, &RangeError{"Single version must be surrounded by []: " + spec}
		}
		s.low, s.high = &within, &within
		return s, nil
	}
	if low = strings.TrimSpace(low); low != "" {
		s.low = &low
	}
	if high = strings.TrimSpace(high); high != "" {
		s.high = &high
	}
	if s.low != nil && s.high != nil {
		order := Compare(low, high)
		if order > 0 || order == 0 && !(s.withLow && s.withHigh) {
			return s, &RangeError{"Range defies version ordering: " + spec}
		}
	}
	return s, nil
}

// Any reports whether every version is taken.
func (r Range) Any() bool { return len(r.spans) == 0 }

// Has reports whether a version is taken.
func (r Range) Has(version string) bool {
	for _, s := range r.spans {
		if s.has(version) {
			return true
		}
	}
	return r.Any()
}

func (s span) has(version string) bool {
	if s.low != nil {
		if c := Compare(version, *s.low); c < 0 || c == 0 && !s.withLow {
			return false
		}
	}
	if s.high != nil {
		if c := Compare(version, *s.high); c > 0 || c == 0 && !s.withHigh {
			return false
		}
	}
	return true
}

// String is the range as Maven writes it: one version is [1,1].
func (r Range) String() string {
	var out []string
	for _, s := range r.spans {
		text := "("
		if s.withLow {
			text = "["
		}
		if s.low != nil {
			text += *s.low
		}
		text += ","
		if s.high != nil {
			text += *s.high
		}
		if s.withHigh {
			text += "]"
		} else {
			text += ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ",")
}
