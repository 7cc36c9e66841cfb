package pattern

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// set is characters, as ranges in order that do not touch.
type set []interval

type interval struct{ low, high rune }

var (
	everything = set{{0, unicode.MaxRune}}
	digits     = set{{'0', '9'}}
	lower      = set{{'a', 'z'}}
	upper      = set{{'A', 'Z'}}
	words      = set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	spaces     = set{{'\t', '\r'}, {' ', ' '}}
	horizontal = set{{'\t', '\t'}, {' ', ' '}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200a}, {0x202f, 0x202f}, {0x205f, 0x205f},
		{0x3000, 0x3000}}
	vertical = set{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	lineEnds = set{{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
)

func single(c rune) set { return set{{c, c}} }

// of is the characters of a table.
func of(table *unicode.RangeTable) set {
	var s set
	add := func(low, high, stride rune) {
		if stride == 1 {
			s = append(s, interval{low, high})
			return
		}
		for c := low; c <= high; c += stride {
			s = append(s, interval{c, c})
		}
	}
	for _, r := range table.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return s.union(nil)
}

func (s set) union(o set) set {
	all := slices.Concat(s, o)
	slices.SortFunc(all, func(a, b interval) int { return cmp.Compare(a.low, b.low) })
	var out set
	for _, i := range all {
		if last := len(out) - 1; last >= 0 && i.low <= out[last].high+1 {
			out[last].high = max(out[last].high, i.high)
		} else {
			out = append(out, i)
		}
	}
	return out
}

func (s set) negated() set {
	var out set
	next := rune(0)
	for _, i := range s {
		if i.low > next {
			out = append(out, interval{next, i.low - 1})
		}
		next = i.high + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, interval{next, unicode.MaxRune})
	}
	return out
}

func (s set) intersected(o set) set { return s.negated().union(o.negated()).negated() }

// folded adds the other cases where the expression does not tell them apart: of ASCII alone unless (?u) is on.
func (t *translator) folded(s set) set {
	if !t.flags.fold {
		return s
	}
	all := s
	for _, i := range s {
		if !t.flags.unicodeFold {
			i.high = min(i.high, unicode.MaxASCII)
		}
		for c := i.low; c <= i.high; c++ {
			for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
				if t.flags.unicodeFold || other <= unicode.MaxASCII {
					all = append(all[:len(all):len(all)], interval{other, other})
				}
			}
		}
	}
	return all.union(nil)
}

// String writes the set for regexp2.
func (s set) String() string {
	switch {
	case len(s) == 0:
		return `(?!)`
	case len(s) == 1 && s[0].low == s[0].high:
		return code(s[0].low)
	}
	var out strings.Builder
	out.WriteByte('[')
	for _, i := range s {
		out.WriteString(code(i.low))
		if i.high > i.low {
			out.WriteString("-" + code(i.high))
		}
	}
	out.WriteByte(']')
	return out.String()
}

func code(c rune) string {
	if c > 0xffff {
		return string(c)
	}
	return fmt.Sprintf(`\u%04X`, c)
}
