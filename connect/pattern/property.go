package pattern

import (
	"strings"
	"unicode"
)

// family reads the name behind \p or \P.
func (t *translator) family(not bool) set {
	t.at++
	var name string
	if t.raw(0) != '{' {
		if t.raw(0) == end {
			t.fail("Unexpected internal error", t.at)
		}
		name = string(t.raw(0))
		t.at++
	} else {
		start := t.at + 1
		for t.raw(0) != '}' {
			if t.at++; t.at >= len(t.src) {
				t.fail("Unclosed character family", t.at)
			}
		}
		if name = string(t.src[start:t.at]); name == "" {
			t.fail("Empty character family", t.at)
		}
		t.at++
	}
	s, known := t.characters(name)
	if !known {
		if isBlock(name) {
			t.lacking("the block {"+name+"}", "write its range, such as [\\u0370-\\u03FF], or a script, such as {IsGreek}")
		}
		t.fail("Unknown character property name {"+name+"}", t.at-1)
	}
	if not {
		return s.negated()
	}
	return s
}

// isBlock reports whether a name has the form of a block of Unicode.
func isBlock(name string) bool {
	key, _, _ := strings.Cut(strings.ToLower(name), "=")
	return key == "blk" || key == "block" || strings.HasPrefix(name, "In")
}

// characters finds a property by one of the forms of its name: gc=Lu, IsLatin, script=Latin, Lower, javaLowerCase. There are no blocks (InGreek).
func (t *translator) characters(name string) (set, bool) {
	if key, value, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(key) {
		case "gc", "general_category":
			return category(value)
		case "sc", "script":
			return script(value)
		}
		return nil, false
	}
	if t.flags.fold {
		switch name {
		case "Lower", "Upper":
			return lower.union(upper), true
		case "Lu", "Ll", "Lt", "IsLu", "IsLl", "IsLt":
			return categories("Lu", "Ll", "Lt"), true
		}
	}
	if rest, ok := strings.CutPrefix(name, "Is"); ok {
		if s := property(rest); s != nil {
			return s, true
		}
		if s, ok := category(rest); ok {
			return s, true
		}
		return script(rest)
	}
	if s, ok := posix[name]; ok {
		return s, true
	}
	if s, ok := java[name]; ok {
		return s(), true
	}
	return category(name)
}

func category(name string) (set, bool) {
	switch name {
	case "LC":
		return categories("Lu", "Ll", "Lt"), true
	case "LD":
		return categories("L", "Nd"), true
	case "L1":
		return set{{0, 0xff}}, true
	case "all":
		return everything, true
	}
	table, known := unicode.Categories[name]
	if !known {
		return nil, false
	}
	return of(table), true
}

func script(name string) (set, bool) {
	for known, table := range unicode.Scripts {
		if strings.EqualFold(known, name) {
			return of(table), true
		}
	}
	return nil, false
}

// categories are the characters of several categories.
func categories(names ...string) (s set) {
	for _, n := range names {
		s = s.union(of(unicode.Categories[n]))
	}
	return s
}

// posix are the classes of ASCII that have names.
var posix = map[string]set{
	"Lower": lower, "Upper": upper, "ASCII": {{0, unicode.MaxASCII}}, "Alpha": lower.union(upper), "Digit": digits,
	"Alnum": lower.union(upper).union(digits), "Punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}, "Graph": {{'!', '~'}}, "Print": {{' ', '~'}},
	"Blank": {{'\t', '\t'}, {' ', ' '}}, "Cntrl": {{0, 0x1f}, {0x7f, 0x7f}}, "XDigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, "Space": spaces,
}

// java are the methods of java.lang.Character that expressions may ask.
var java = map[string]func() set{
	"javaLowerCase":     func() set { return property("Lowercase") },
	"javaUpperCase":     func() set { return property("Uppercase") },
	"javaAlphabetic":    func() set { return property("Alphabetic") },
	"javaLetter":        func() set { return categories("L") },
	"javaDigit":         func() set { return categories("Nd") },
	"javaLetterOrDigit": func() set { return categories("L", "Nd") },
	"javaWhitespace": func() set {
		return categories("Z").intersected(set{{0xa0, 0xa0}, {0x2007, 0x2007}, {0x202f, 0x202f}}.negated()).union(set{{'\t', '\r'}, {0x1c, 0x1f}})
	},
	"javaSpaceChar": func() set { return categories("Z") },
}

// property is a binary property of Unicode, nil for one that is not known.
func property(name string) set {
	switch strings.ToLower(name) {
	case "alphabetic":
		return categories("L", "Nl").union(of(unicode.Other_Alphabetic))
	case "letter":
		return categories("L")
	case "lowercase":
		return categories("Ll").union(of(unicode.Other_Lowercase))
	case "uppercase":
		return categories("Lu").union(of(unicode.Other_Uppercase))
	case "titlecase":
		return categories("Lt")
	case "punctuation":
		return categories("P")
	case "control":
		return categories("Cc")
	case "digit":
		return categories("Nd")
	case "white_space", "whitespace":
		return of(unicode.White_Space)
	case "ideographic":
		return of(unicode.Ideographic)
	case "hex_digit", "hexdigit":
		return of(unicode.Hex_Digit).union(categories("Nd"))
	}
	return nil
}
