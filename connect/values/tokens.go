package values

// tokens cuts a text at the delimiters : , { } [ ] and ". A delimiter behind a backslash is an ordinary character; the backslash stays.
type tokens struct {
	text     string
	at       int
	ahead    string // the token read but not yet taken
	hasAhead bool
}

func (t *tokens) more() bool { return t.hasAhead || t.at < len(t.text) }

// mark returns the position of the next token, for rewind.
func (t *tokens) mark() int { return t.at - len(t.ahead) }

func (t *tokens) rewind(to int) { t.at, t.ahead, t.hasAhead = to, "", false }

// next takes a token; "" at the end.
func (t *tokens) next() string {
	if t.hasAhead {
		token := t.ahead
		t.ahead, t.hasAhead = "", false
		return token
	}
	return t.cut()
}

// nextN takes n tokens as one text, or none where there are fewer.
func (t *tokens) nextN(n int) (string, bool) {
	start := t.mark()
	for range n {
		if !t.more() {
			t.rewind(start)
			return "", false
		}
		t.next()
	}
	return t.text[start:t.at], true
}

// take takes the next token if it is the wanted one, blanks around it not counted. Blank tokens before it are lost either way.
func (t *tokens) take(want string) bool {
	if !t.hasAhead {
		if t.at >= len(t.text) {
			return false
		}
		t.ahead, t.hasAhead = t.cut(), true
	}
	for isBlank(t.ahead) && t.at < len(t.text) {
		t.ahead = t.cut()
	}
	if trim(t.ahead) != want {
		return false
	}
	t.ahead, t.hasAhead = "", false
	return true
}

func (t *tokens) cut() string {
	start, escaped := t.at, false
	for ; t.at < len(t.text); t.at++ {
		switch t.text[t.at] {
		case '\\':
			escaped = !escaped
		case ':', ',', '{', '}', '[', ']', '"':
			if !escaped {
				if t.at == start {
					t.at++
				}
				return t.text[start:t.at]
			}
			escaped = false
		default:
			escaped = false
		}
	}
	return t.text[start:]
}
