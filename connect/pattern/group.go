package pattern

import "fmt"

// group reads what stands in parentheses; options tells that these were options alone, which hold until the end of the group around. Options that a
// group sets for itself end with it.
func (t *translator) group() (out string, options bool) {
	before := t.flags
	t.at++
	if t.peek() != '?' {
		t.groups++
		return t.closed("(", before), false
	}
	t.at += 2
	switch c := t.raw(-1); c {
	case ':', '=', '!', '>':
		return t.closed("(?"+string(c), before), false
	case '<':
		return t.named(before), false
	case '$', '@':
		t.fail("Unknown group type", t.at-1)
	}
	t.at--
	t.options()
	switch t.raw(0) {
	case ')':
		t.at++
		return "", true
	case ':':
		t.at++
		return t.closed("(?:", before), false
	}
	t.fail("Unknown inline modifier", t.at)
	return "", false
}

// closed reads the rest of a group.
func (t *translator) closed(opening string, before flags) string {
	inside := t.alternatives()
	if t.peek() != ')' {
		t.fail("Unclosed group", t.at)
	}
	t.at++
	t.flags = before
	return opening + inside + ")"
}

// named reads (?<name>...), which becomes a group with its number alone, and look-behind.
func (t *translator) named(before flags) string {
	c := t.raw(0)
	if c == '=' || c == '!' {
		t.at++
		return t.closed("(?<"+string(c), before)
	}
	if !isLetter(c) {
		t.fail("capturing group name does not start with a Latin letter", t.at)
	}
	name := t.name()
	if _, twice := t.names[name]; twice {
		t.fail(fmt.Sprintf("Named capturing group <%s> is already defined", name), t.at-1)
	}
	t.groups++
	t.names[name] = t.groups
	return t.closed("(", before)
}

// name reads a group's name and the bracket behind it.
func (t *translator) name() string {
	start := t.at
	for isLetter(t.raw(0)) || isDigit(t.raw(0)) {
		t.at++
	}
	if t.raw(0) != '>' {
		t.fail("named capturing group is missing trailing '>'", t.at)
	}
	t.at++
	return string(t.src[start : t.at-1])
}

// options reads idmsuxU, those behind a minus to be switched off.
func (t *translator) options() {
	on := true
	for ; ; t.at++ {
		switch t.peek() {
		case 'i':
			t.flags.fold = on
		case 'd':
			t.flags.unixLines = on
		case 'm':
			t.flags.multiline = on
		case 's':
			t.flags.dotAll = on
		case 'u':
			t.flags.unicodeFold = on
		case 'x':
			t.flags.comments = on
		case 'U':
			t.flags.unicodeClass, t.flags.unicodeFold = on, on
		case 'c':
		case '-':
			if !on {
				return
			}
			on = false
		default:
			return
		}
	}
}
