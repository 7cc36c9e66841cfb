package dateformat

import "github.com/sluice-connect/sluice/connect/values"

// field is one of the fields of java.util.Calendar.
type field int

const (
	era field = iota
	year
	weekYear
	month // from 0
	dayOfMonth
	dayOfYear
	weekOfYear
	weekOfMonth
	weekday // 1 is Sunday
	weekdayInMonth
	half
	hourOfHalf
	hourOfDay
	minute
	second
	milli
	offset // minutes east of UTC
	fieldCount
)

// fieldOf is the field of a letter whose field is a number.
func fieldOf(letter byte) field {
	switch letter {
	case 'y':
		return year
	case 'Y':
		return weekYear
	case 'M', 'L':
		return month
	case 'd':
		return dayOfMonth
	case 'D':
		return dayOfYear
	case 'w':
		return weekOfYear
	case 'W':
		return weekOfMonth
	case 'u':
		return weekday
	case 'F':
		return weekdayInMonth
	case 'h', 'K':
		return hourOfHalf
	case 'k', 'H':
		return hourOfDay
	case 'm':
		return minute
	case 's':
		return second
	}
	return milli
}

// calendar makes a moment of fields, whatever they are and in whichever order they were set (java.util.GregorianCalendar, lenient).
type calendar struct {
	values [fieldCount]int
	stamps [fieldCount]int // when each was set, 0 for never
	clock  int
}

func (c *calendar) set(f field, n int) {
	c.clock++
	c.values[f], c.stamps[f] = n, c.clock
}

func (c *calendar) east(minutes int) { c.set(offset, minutes) }

// or is a field's value, or another where it was not set.
func (c *calendar) or(f field, unset int) int {
	if c.stamps[f] == 0 {
		return unset
	}
	return c.values[f]
}

// time is the moment in milliseconds since 1970.
func (c *calendar) time() int64 {
	day := int64(0)
	if c.stamps[weekYear] > c.stamps[year] {
		day = c.weekDate()
	} else {
		day = c.date(c.calendarYear())
	}
	ms := (c.hours()*60+int64(c.values[minute])-int64(c.values[offset]))*60*1000 + int64(c.values[second])*1000 + int64(c.values[milli])
	return day*millisPerDay + ms
}

// calendarYear is the year of a date without weeks; 0 is 1 BC.
func (c *calendar) calendarYear() int {
	y := c.or(year, 1970)
	if c.or(era, 1) == 0 {
		return 1 - y
	}
	return y
}

func (c *calendar) hours() int64 {
	whole, halves := c.stamps[hourOfDay], c.both(hourOfHalf, half)
	if halves > whole || whole == 0 {
		return int64(c.values[hourOfHalf]) + 12*int64(c.values[half])
	}
	return int64(c.values[hourOfDay])
}

// both is when the later of two fields was set, 0 unless both were.
func (c *calendar) both(a, b field) int {
	if c.stamps[a] == 0 || c.stamps[b] == 0 {
		return 0
	}
	return max(c.stamps[a], c.stamps[b])
}

// weekDate is the day of a year of weeks (CalendarBuilder.establish).
func (c *calendar) weekDate() int64 {
	week, day := c.or(weekOfYear, 1), c.or(weekday, 1)
	if day < 1 || day > 7 {
		if day >= 8 {
			day--
			week += day / 7
			day = day%7 + 1
		}
		for day <= 0 {
			day += 7
			week--
		}
		day = day%7 + 1
	}
	return weekStart(c.values[weekYear]) + int64(day-1) + 7*int64(week-1)
}

// date is the day that the fields set last describe (Calendar.selectFields, GregorianCalendar.getFixedDate).
func (c *calendar) date(y int) int64 {
	inMonth, inWeekOfMonth, byWeekday := c.stamps[dayOfMonth], c.both(weekOfMonth, weekday), c.both(weekdayInMonth, weekday)
	inYear, inWeekOfYear := c.stamps[dayOfYear], c.both(weekOfYear, weekday)
	best := max(inMonth, inWeekOfMonth, byWeekday, inYear, inWeekOfYear)
	if best == 0 { // no group is whole
		inWeekOfMonth, inWeekOfYear = c.stamps[weekOfMonth], c.stamps[weekOfYear]
		byWeekday = max(c.stamps[weekdayInMonth], c.stamps[weekday])
		if best = max(inWeekOfMonth, byWeekday, inWeekOfYear); best == 0 {
			inMonth = c.stamps[month]
			best = inMonth
		}
	}
	first := values.DayNumber(y, c.or(month, 0)+1, 1)
	switch {
	case best == inMonth:
		return values.DayNumber(y, c.or(month, 0)+1, c.or(dayOfMonth, 1))
	case best == inWeekOfMonth && c.stamps[weekOfMonth] >= c.stamps[weekOfYear],
		best == byWeekday && c.stamps[weekdayInMonth] >= c.stamps[weekOfYear]:
		if best == inWeekOfMonth && (inWeekOfMonth != byWeekday || c.stamps[weekOfMonth] >= c.stamps[weekdayInMonth]) {
			return c.inWeek(sundayOf(first), c.values[weekOfMonth])
		}
		return c.nthWeekday(y, first)
	case best == inYear:
		return values.DayNumber(y, 1, 1) + int64(c.values[dayOfYear]) - 1
	}
	return c.inWeek(weekStart(y), c.values[weekOfYear])
}

// inWeek is the day of a week, counted from the one that begins on the given Sunday.
func (c *calendar) inWeek(sunday int64, week int) int64 {
	return weekdayAtOrBefore(sunday+6, c.or(weekday, 1)) + 7*int64(week-1)
}

// nthWeekday is the second Tuesday of a month, say, or with a negative number the last but one.
func (c *calendar) nthWeekday(y int, first int64) int64 {
	n, day := c.or(weekdayInMonth, 1), c.or(weekday, 1)
	if n >= 0 {
		return weekdayAtOrBefore(first+7*int64(n)-1, day)
	}
	next := values.DayNumber(y, c.or(month, 0)+2, 1)
	return weekdayAtOrBefore(next+7*int64(n+1)-1, day)
}
