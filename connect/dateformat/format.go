package dateformat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect/values"
)

// Format is a compiled pattern. It is safe for concurrent use.
type Format struct {
	pattern string
	items   []item
	// A year of two digits lies in the hundred years that begin here.
	century     int64 // milliseconds since 1970
	centuryYear int
}

// item is a field of the pattern, or text that stands for itself.
type item struct {
	letter byte // 0 for text
	count  int  // how often the letter is repeated
	text   string
	// A number ends after so many characters as the field has letters, because the next field begins there without anything between.
	counted bool
}

// letters are the fields that a pattern may have (java.text.DateFormatSymbols.patternChars).
const letters = "GyMdkHmsSEDFwWahKzZYuXL"

// Compile reads a pattern such as yyyy-MM-dd'T'HH:mm:ss.SSSXXX. Its errors say what Java's say.
func Compile(pattern string) (*Format, error) {
	f := &Format{pattern: pattern}
	quoted := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\'' && i+1 < len(pattern) && pattern[i+1] == '\'':
			i++
			f.literal(c)
		case c == '\'':
			quoted = !quoted
		case quoted || !isLetter(c):
			f.literal(c)
		case strings.IndexByte(letters, c) < 0:
			return nil, fmt.Errorf("illegal pattern character '%c'", c)
		default:
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			if c == 'X' && n > 3 {
				return nil, fmt.Errorf("invalid ISO 8601 format: length=%d", n)
			}
			f.items = append(f.items, item{letter: c, count: n})
			i += n - 1
		}
	}
	if quoted {
		return nil, errors.New("unterminated quote")
	}
	for i := range f.items[:max(len(f.items)-1, 0)] {
		f.items[i].counted = f.items[i+1].isNumber()
	}
	start := time.Now().UTC().AddDate(-80, 0, 0)
	f.century, f.centuryYear = start.UnixMilli(), start.Year()
	return f, nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// literal adds a byte of text.
func (f *Format) literal(c byte) {
	if last := len(f.items) - 1; last >= 0 && f.items[last].letter == 0 {
		f.items[last].text += string([]byte{c})
		return
	}
	f.items = append(f.items, item{text: string([]byte{c})})
}

// isNumber reports whether a field is written in digits.
func (i item) isNumber() bool {
	switch i.letter {
	case 'M', 'L':
		return i.count <= 2
	case 0, 'G', 'E', 'a', 'z', 'Z', 'X':
		return false
	}
	return true
}

// String returns the pattern.
func (f *Format) String() string { return f.pattern }

// Append appends a moment in milliseconds since 1970.
func (f *Format) Append(dst []byte, ms int64) []byte {
	m := newMoment(ms)
	for _, i := range f.items {
		dst = i.append(dst, &m)
	}
	return dst
}

func (i item) append(dst []byte, m *moment) []byte {
	switch i.letter {
	case 0:
		return append(dst, i.text...)
	case 'G':
		return append(dst, eras[m.era()]...)
	case 'y':
		return appendYear(dst, m.yearOfEra(), i.count)
	case 'Y':
		return appendYear(dst, m.weekYear(), i.count)
	case 'M', 'L':
		if i.count <= 2 {
			return appendPadded(dst, int64(m.month), i.count)
		}
		return appendName(dst, m.month.String(), i.count)
	case 'E':
		return appendName(dst, time.Weekday(m.weekday()).String(), i.count)
	case 'a':
		return append(dst, halves[m.hour()/12]...)
	case 'z':
		if i.count < 4 {
			return append(dst, "UTC"...)
		}
		return append(dst, "Coordinated Universal Time"...)
	case 'Z':
		return append(dst, "+0000"...)
	case 'X':
		return append(dst, 'Z')
	}
	return appendPadded(dst, m.number(i.letter), i.count)
}

// appendName writes a month or a day of the week, short for less than four letters.
func appendName(dst []byte, name string, count int) []byte {
	if count < 4 {
		name = name[:3]
	}
	return append(dst, name...)
}

func appendYear(dst []byte, year int64, count int) []byte {
	if count == 2 {
		if year %= 100; year < 0 {
			dst, year = append(dst, '-'), -year
		}
	}
	return appendPadded(dst, year, count)
}

func appendPadded(dst []byte, n int64, width int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	for bound := int64(10); width > 1; width-- {
		if n < bound {
			for ; width > 1; width-- {
				dst = append(dst, '0')
			}
			break
		}
		bound *= 10
	}
	return strconv.AppendInt(dst, n, 10)
}

// moment is the fields of a point in time.
type moment struct {
	day    int64 // since 1970
	milli  int64 // of the day
	year   int   // 0 is 1 BC
	month  time.Month
	dayOfM int
}

func newMoment(ms int64) moment {
	m := moment{day: floorDiv(ms, millisPerDay)}
	m.milli = ms - m.day*millisPerDay
	m.year, m.month, m.dayOfM = values.Civil(m.day)
	return m
}

func (m *moment) hour() int64 { return m.milli / millisPerHour }

func (m *moment) era() int {
	if m.year < 1 {
		return 0
	}
	return 1
}

func (m *moment) yearOfEra() int64 {
	if m.year < 1 {
		return int64(1 - m.year)
	}
	return int64(m.year)
}

// weekday is 0 for Sunday.
func (m *moment) weekday() int64 { return floorMod(m.day+4, 7) }

// weekYear is the year to which the week belongs: that with 1 January is the first of its year.
func (m *moment) weekYear() int64 {
	if m.day >= weekStart(m.year+1) {
		return int64(m.year + 1)
	}
	return int64(m.year)
}

// number is the value of a field that is written in digits.
func (m *moment) number(letter byte) int64 {
	switch letter {
	case 'd':
		return int64(m.dayOfM)
	case 'k':
		return (m.hour()+23)%24 + 1
	case 'H':
		return m.hour()
	case 'K':
		return m.hour() % 12
	case 'h':
		return (m.hour()+11)%12 + 1
	case 'm':
		return m.milli / millisPerMinute % 60
	case 's':
		return m.milli / 1000 % 60
	case 'S':
		return m.milli % 1000
	case 'D':
		return m.day - values.DayNumber(m.year, 1, 1) + 1
	case 'F':
		return int64(m.dayOfM-1)/7 + 1
	case 'w':
		return (m.day-weekStart(int(m.weekYear())))/7 + 1
	case 'W':
		return (m.day-sundayOf(m.day-int64(m.dayOfM)+1))/7 + 1
	}
	return (m.weekday()+6)%7 + 1 // u: 1 is Monday
}

// weekStart is the first day of a year's first week.
func weekStart(year int) int64 { return sundayOf(values.DayNumber(year, 1, 1)) }

// sundayOf is the Sunday at or before a day.
func sundayOf(day int64) int64 { return weekdayAtOrBefore(day, 1) }

// weekdayAtOrBefore is the last day of the week's given day (1 is Sunday) at or before a day.
func weekdayAtOrBefore(day int64, weekday int) int64 {
	return day - floorMod(day+4-int64(weekday-1), 7)
}

const (
	millisPerMinute = 60 * 1000
	millisPerHour   = 60 * millisPerMinute
	millisPerDay    = 24 * millisPerHour
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
