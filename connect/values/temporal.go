package values

import (
	"math"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Java's calendar changes from Julian to Gregorian at the end of 4 October 1582: this day, counted from 1970, is the first new one.
const gregorianStart = -141427

// DayNumber counts the days from 1970 to a date, which may be out of range: 2023-13-45 is 2024-02-14 (a lenient GregorianCalendar).
func DayNumber(year, month, day int) int64 {
	n := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix() / (millisPerDay / 1000)
	if n >= gregorianStart {
		return n
	}
	// Julian: each fourth year is a leap year. Years are counted from March, so that the leap day comes last.
	months := int64(year)*12 + int64(month) - 3
	y, m := floorDiv(months, 12), months-12*floorDiv(months, 12)
	return 365*y + floorDiv(y, 4) + (153*m+2)/5 + int64(day) - 719471
}

// Civil is the reverse of [DayNumber].
func Civil(n int64) (year int, month time.Month, day int) {
	if n >= gregorianStart {
		return time.Unix(n*(millisPerDay/1000), 0).UTC().Date()
	}
	n += 719470
	y := floorDiv(4*n+3, 1461)
	rest := n - (365*y + floorDiv(y, 4))
	m := (5*rest + 2) / 153
	day = int(rest - (153*m+2)/5 + 1)
	if m += 3; m > 12 {
		m, y = m-12, y+1
	}
	return int(y), time.Month(m), day
}

// floorDiv rounds down, as Math.floorDiv does.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Lengths by which a text is recognised as temporal.
const (
	timeLength      = len("00:00:00.000Z")
	timestampLength = len("0000-00-00T00:00:00.000Z")
	dateLength      = len("0000-00-00")
)

// parseTemporal reads a time, a timestamp or a date, told apart by the length alone; colons may be escaped. As SimpleDateFormat
// does, it takes numbers out of range and ignores what follows.
func parseTemporal(token string) (datum, bool) {
	token = ASCIIDigits(strings.ReplaceAll(token, `\:`, ":"))
	f := fields{text: token}
	switch javaLength(token) {
	case timeLength:
		ms, ok := f.timeOfDay()
		return datum{connect.TimeSchema, connect.Instant(ms)}, ok
	case dateLength:
		days, ok := f.date()
		return datum{connect.DateSchema, connect.Instant(days * millisPerDay)}, ok
	case timestampLength:
		days, ok := f.date()
		if !ok || !f.literal('T') {
			return datum{}, false
		}
		ms, ok := f.timeOfDay()
		return datum{connect.TimestampSchema, connect.Instant(days*millisPerDay + ms)}, ok
	}
	return datum{}, false
}

// fields reads the fields of a SimpleDateFormat pattern from the front of a text.
type fields struct{ text string }

func (f *fields) date() (days int64, ok bool) {
	var year, month, day int
	ok = f.number(&year) && f.literal('-') && f.number(&month) && f.literal('-') && f.number(&day)
	return DayNumber(year, month, day), ok
}

func (f *fields) timeOfDay() (ms int64, ok bool) {
	var hour, minute, second, milli int
	ok = f.number(&hour) && f.literal(':') && f.number(&minute) && f.literal(':') && f.number(&second) &&
		f.literal('.') && f.number(&milli) && f.literal('Z')
	return ((int64(hour)*60+int64(minute))*60+int64(second))*1000 + int64(milli), ok
}

func (f *fields) literal(c byte) bool {
	if f.text == "" || f.text[0] != c {
		return false
	}
	f.text = f.text[1:]
	return true
}

// number reads a field: blanks before it are skipped, and it may be negative.
func (f *fields) number(into *int) bool {
	s := strings.TrimLeft(f.text, " \t")
	n, used := LeadingInt(s)
	if used > 0 {
		*into, f.text = n, s[used:]
	}
	return used > 0
}

// LeadingInt reads the number that a text begins with as java.text.DecimalFormat does for a date: digits with a minus and an exponent, cut to 32 bits. used
// is its length, 0 where there is none.
func LeadingInt(text string) (n, used int) {
	from := 0
	if strings.HasPrefix(text, "-") {
		from++
	}
	at, f := leadingDigits(text, from)
	if at == from {
		return 0, 0
	}
	if at < len(text) && text[at] == 'E' {
		after := at + 1
		down := after < len(text) && text[after] == '-'
		if down {
			after++
		}
		if last, exponent := leadingDigits(text, after); last > after {
			at, f = last, shifted(f, exponent, down)
		}
	}
	if from > 0 {
		f = -f
	}
	if math.Abs(f) >= math.MaxInt64 { // Java has a double then, whose int is the largest
		return int(math.Copysign(math.MaxInt32, f)), at
	}
	return int(int32(int64(f))), at
}

// leadingDigits reads a number without sign. Beyond 2^53 it is not exact, which only text that is no date gets to.
func leadingDigits(text string, from int) (end int, f float64) {
	for end = from; end < len(text) && text[end] >= '0' && text[end] <= '9'; end++ {
		f = f*10 + float64(text[end]-'0')
	}
	return end, f
}

func shifted(f, exponent float64, down bool) float64 {
	switch {
	case down:
		return math.Trunc(f / math.Pow(10, exponent))
	case f == 0:
		return 0
	}
	return f * math.Pow(10, exponent)
}
