package dateformat

// utc are the names of the zone in which dates are read anyway.
var utc = []string{"UTC", "Coordinated Universal Time", "Greenwich Mean Time"}

// zones are the names of zones that are understood, with their minutes east of UTC. A name of summer time means it in winter too, as in Java.
var zones = []struct {
	name string
	east int
}{
	{"HST", -600}, {"AKST", -540}, {"AKDT", -480}, {"PST", -480}, {"PDT", -420}, {"MST", -420}, {"MDT", -360}, {"CST", -360}, {"CDT", -300},
	{"EST", -300}, {"EDT", -240}, {"AST", -240}, {"ADT", -180}, {"NST", -210}, {"NDT", -150},
	{"WET", 0}, {"WEST", 60}, {"BST", 60}, {"CET", 60}, {"CEST", 120}, {"EET", 120}, {"EEST", 180}, {"MSK", 180},
	{"IST", 120}, {"SGT", 480}, {"HKT", 480}, {"AWST", 480}, {"JST", 540}, {"KST", 540}, {"ACST", 570}, {"AEST", 600}, {"AEDT", 660},
	{"NZST", 720}, {"NZDT", 780},
}

// zone reads +hhmm, GMT, GMT+hh:mm or a name.
func (r *reader) zone(start int) bool {
	if sign := signOf(r.text, r.at); sign != 0 {
		return r.offset(r.at+1, sign, 0, false)
	}
	if hasPrefixFold(r.text[start:], "GMT") {
		after := start + len("GMT")
		if sign := signOf(r.text, after); sign != 0 {
			return r.offset(after+1, sign, 0, true)
		}
		r.at = after
		r.calendar.east(0)
		return true
	}
	for _, name := range utc {
		if hasPrefixFold(r.text[r.at:], name) {
			r.at += len(name)
			return true
		}
	}
	for _, z := range zones {
		if hasPrefixFold(r.text[r.at:], z.name) {
			r.at += len(z.name)
			r.calendar.east(z.east)
			return true
		}
	}
	return false
}

// isoZone reads Z, or +hh, +hhmm or +hh:mm after the number of letters.
func (r *reader) isoZone(count int) bool {
	if r.text[r.at] == 'Z' {
		r.at++
		r.calendar.east(0)
		return true
	}
	sign := signOf(r.text, r.at)
	return sign != 0 && r.offset(r.at+1, sign, count, count == 3)
}

func signOf(text string, at int) int {
	if at < len(text) {
		switch text[at] {
		case '+':
			return 1
		case '-':
			return -1
		}
	}
	return 0
}

// offset reads hours and minutes (SimpleDateFormat.subParseNumericZone); one letter X has no minutes. A single digit is an hour only after GMT.
func (r *reader) offset(at, sign, count int, colon bool) bool {
	next := func() (byte, bool) {
		if at == len(r.text) {
			return 0, false
		}
		at++
		return r.text[at-1], isDigit(r.text[at-1])
	}
	c, ok := next()
	if !ok {
		return false
	}
	hours := int(c - '0')
	if c, ok = next(); ok {
		hours = hours*10 + int(c-'0')
	} else if c == 0 || count > 0 || !colon {
		return false
	} else {
		at--
	}
	minutes := 0
	if count != 1 {
		if colon {
			if c, _ = next(); c != ':' {
				return false
			}
		}
		tens, ok := next()
		units, also := next()
		if !ok || !also {
			return false
		}
		minutes = int(tens-'0')*10 + int(units-'0')
	}
	if hours > 23 || minutes > 59 {
		return false
	}
	r.at = at
	r.calendar.east(sign * (hours*60 + minutes))
	return true
}
