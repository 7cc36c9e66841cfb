package dateformat

import (
	"errors"
	"strings"

	"github.com/sluice-connect/sluice/connect/values"
)

// ErrText says that a text does not have the form that the pattern describes.
var ErrText = errors.New("the text does not match the date format")

// Names by their number in the calendar, in both lengths where there are two.
var (
	eras     = []string{"BC", "AD", "Before Christ", "Anno Domini"}
	halves   = []string{"AM", "PM"}
	weekdays = bothLengths("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
	months   = bothLengths("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
		"November", "December")
)

func bothLengths(names ...string) []string {
	for _, n := range names {
		names = append(names, n[:3])
	}
	return names
}

// Parse reads the date at the front of a text, in milliseconds since 1970; what follows is ignored. Fields that the pattern lacks are those of
// 1 January 1970, 00:00. Its error is [ErrText].
func (f *Format) Parse(text string) (int64, error) {
	r := reader{format: f, text: values.ASCIIDigits(text)}
	for _, i := range f.items {
		if !r.take(i) {
			return 0, ErrText
		}
	}
	if r.at == 0 {
		return 0, ErrText
	}
	ms := r.calendar.time()
	if r.ambiguous && ms < f.century {
		r.calendar.values[year] += 100
		r.calendar.values[weekYear] += 100
		ms = r.calendar.time()
	}
	return ms, nil
}

// reader takes a text apart (SimpleDateFormat.subParse).
type reader struct {
	format    *Format
	text      string
	at        int
	calendar  calendar
	ambiguous bool // the year had two digits, and they are those of the century's first year
}

// take reads one item.
func (r *reader) take(i item) bool {
	if i.letter == 0 {
		if !strings.HasPrefix(r.text[r.at:], i.text) {
			return false
		}
		r.at += len(i.text)
		return true
	}
	start := r.at
	for r.at < len(r.text) && (r.text[r.at] == ' ' || r.text[r.at] == '\t') {
		r.at++
	}
	if r.at == len(r.text) {
		return false
	}
	switch i.letter {
	case 'G':
		return r.name(start, era, eras, 2)
	case 'E':
		return r.name(start, weekday, weekdays, 7)
	case 'a':
		return r.name(start, half, halves, 2)
	case 'z', 'Z':
		return r.zone(start)
	case 'X':
		return r.isoZone(i.count)
	case 'M', 'L':
		if i.count > 2 {
			return r.name(start, month, months, 12)
		}
	}
	end := len(r.text)
	if i.counted {
		if end = start + i.count; end > len(r.text) {
			return false
		}
	}
	from := r.at
	n, ok := r.number(end)
	if ok {
		r.set(i, n, r.text[from:r.at])
	}
	return ok
}

// name reads one of some names, without regard to case; blanks before it are not skipped. The names beyond the first period are those of its values
// again.
func (r *reader) name(start int, into field, names []string, period int) bool {
	best, length := -1, 0
	for i, n := range names {
		if len(n) > length && hasPrefixFold(r.text[start:], n) {
			best, length = i, len(n)
		}
	}
	if best < 0 {
		return false
	}
	n := best % period
	if into == weekday {
		n++
	}
	r.calendar.set(into, n)
	r.at = start + length
	return true
}

// set puts a number into the calendar. digits is the text that it was.
func (r *reader) set(i item, n int, digits string) {
	switch i.letter {
	case 'y', 'Y':
		if i.count <= 2 && len(digits) == 2 && isDigit(digits[0]) && isDigit(digits[1]) {
			first := r.format.centuryYear % 100
			r.ambiguous = n == first
			if n < first {
				n += 100
			}
			n += r.format.centuryYear / 100 * 100
		}
	case 'M', 'L':
		n--
	case 'k':
		n = hourFrom(n, 24)
	case 'h':
		n = hourFrom(n, 12)
	case 'u':
		if n >= 1 && n <= 7 { // as in Java's calendar, where 1 is Sunday
			n = n%7 + 1
		}
	}
	r.calendar.set(fieldOf(i.letter), n)
}

// hourFrom turns an hour that is counted from 1 into one counted from 0.
func hourFrom(n, last int) int {
	if n == last {
		return 0
	}
	return n
}

// number reads a number up to end.
func (r *reader) number(end int) (int, bool) {
	n, used := values.LeadingInt(r.text[r.at:end])
	r.at += used
	return n, used > 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
