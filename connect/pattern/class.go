package pattern

// class reads what stands in brackets, up to the closing one; consume takes that too.
func (t *translator) class(consume bool) set {
	negated := false
	if t.peek() == '^' && t.raw(-1) == '[' {
		t.at++
		negated = true
	}
	var all set
	some := false
	add := func(s set) { all, some = all.union(s), true }
	for {
		switch c := t.peek(); {
		case c == '[':
			t.at++
			add(t.class(true))
		case c == '&' && t.raw(1) == '&':
			t.at += 2
			right, given := t.intersected()
			switch {
			case !given && !some:
				t.fail("Bad class syntax", t.at-1)
			case given && some:
				all = all.intersected(right)
			case given:
				all, some = right, true
			}
		case c == end:
			t.fail("Unclosed character class", t.at-1)
		case c == ']' && some:
			if consume {
				t.at++
			}
			if negated {
				return all.negated()
			}
			return all
		default:
			add(t.classRange())
		}
	}
}

// intersected reads what stands behind &&.
func (t *translator) intersected() (right set, given bool) {
	for c := t.peek(); c != ']' && c != '&'; c = t.peek() {
		if c == end {
			t.fail("Unclosed character class", t.at-1)
		}
		if c == '[' {
			t.at++
			right = right.union(t.class(true))
		} else {
			right = t.operand()
		}
		given = true
	}
	return right, given
}

// operand reads the members of a class without brackets of its own.
func (t *translator) operand() set {
	before := t.at
	var all set
	for c := t.peek(); c != ']' || t.at == before; c = t.peek() {
		switch {
		case c == end:
			t.fail("Unclosed character class", t.at-1)
		case c == '[':
			t.at++
			all = all.union(t.class(true))
		case c == '&' && t.raw(1) == '&':
			t.at += 2
			if right, given := t.intersected(); given {
				all = all.intersected(right)
			}
		default:
			all = all.union(t.classRange())
		}
	}
	return all
}

// classRange reads a character, two with a minus between, or an escape that is a class.
func (t *translator) classRange() set {
	low, s, single := t.member()
	if !single {
		return s
	}
	if next := t.raw(1); t.peek() == '-' && next != '[' && next != ']' {
		t.at++
		if next == end {
			t.fail("Illegal character range", t.at)
		}
		high, _, single := t.member()
		if !single || high < low {
			t.fail("Illegal character range", t.at-1)
		}
		return t.folded(set{{low, high}})
	}
	return t.folded(set{{low, low}})
}

// member reads one character or one escape.
func (t *translator) member() (c rune, s set, single bool) {
	if c = t.peek(); c != '\\' {
		t.at++
		return c, nil, true
	}
	t.at++
	if s, ok := t.predefined(); ok {
		return 0, s, false
	}
	if c := t.raw(0); c >= '1' && c <= '9' {
		t.fail(unsupported, t.at)
	}
	return t.character(), nil, true
}
