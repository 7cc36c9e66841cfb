package dateformat

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What java.text.SimpleDateFormat of JDK 17 wrote and read, in UTC and for the United States.

func TestEachLetterIsWrittenAsJavaWritesIt(t *testing.T) {
	const november, before = 1700000000123, -62135769600000 - 400*86400000
	for pattern, want := range map[string][2]string{
		"G": {"AD", "BC"}, "GGGG": {"AD", "BC"}, "E": {"Tue", "Fri"}, "EEEE": {"Tuesday", "Friday"}, "M": {"11", "11"}, "MMM": {"Nov", "Nov"},
		"LLLL": {"November", "November"}, "a": {"PM", "AM"}, "z": {"UTC", "UTC"}, "Z": {"+0000", "+0000"}, "XXX": {"Z", "Z"}, "yy": {"23", "02"},
		"yyyyy": {"02023", "00002"}, "YYYY": {"2023", "-0001"}, "u": {"2", "5"}, "F": {"2", "4"}, "W": {"3", "5"}, "w": {"46", "48"},
		"D": {"318", "332"}, "k": {"22", "24"}, "K": {"10", "0"}, "h": {"10", "12"}, "SSSSSS": {"000123", "000000"},
		"'it''s' ''": {"it's '", "it's '"}, "zzzz": {"Coordinated Universal Time", "Coordinated Universal Time"},
		"yyyy-MM-dd'T'HH:mm:ss.SSSXXX": {"2023-11-14T22:13:20.123Z", "0002-11-28T00:00:00.000Z"},
	} {
		f, err := Compile(pattern)
		require.NoError(t, err, pattern)
		assert.Equal(t, want, [2]string{string(f.Append(nil, november)), string(f.Append(nil, before))}, pattern)
	}
}

func TestTextIsReadAsJavaReadsIt(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          int64
	}{
		{"yyyy-MM-dd HH:mm:ss.SSS", "2023-13-45 99:99:99.999 and more", 1708231239999},
		{"yyyyMMdd", "20231114", 1699920000000},
		{"yyyyMMddHHmmssSSS", "20231114221320123", 1700000000123},
		{"yy-M-d", "70-1-2", 86400000},
		{"EEE, d MMM yyyy hh:mm a z", "Tue, 14 Nov 2023 10:13 pm PST", 1700028780000},
		{"yyyy-MM-dd HH:mm Z", "2023-11-14 22:13 -0130", 1700005380000},
		{"yyyy-MM-dd HH:mm z", "2023-11-14 22:13 gmt+1:30", 1699994580000},
		{"yyyy-MM-dd'T'HH:mmXXX", "2023-11-14T22:13+05:30", 1699980180000},
		{"YYYY-'W'ww-u", "2023-W46-2", 1699920000000},
		{"yyyy-DDD", "2023-318", 1699920000000},
		{"yyyy MM F EEE", "2023 11 2 Tue", 1699920000000},
		{"yyyy MM W u", "2023 11 3 2", 1699920000000},
		{"d.M.yyyy G", "15.3.44 BC", -63517996800000},
		{"S", "1E3", 1000},
		{"yyyyMMdd", "２０２３１１１４", 1699920000000},
	} {
		f, err := Compile(c.pattern)
		require.NoError(t, err, c.pattern)
		ms, err := f.Parse(c.text)
		require.NoError(t, err, "%s of %s", c.text, c.pattern)
		assert.Equal(t, c.want, ms, "%s of %s", c.text, c.pattern)
	}
	for pattern, text := range map[string]string{
		"yyyy-MM-dd": "2023/11/14", "HH:mm": "9", "EEE": "Die", "z": "Z", "X": "5", "XXX": "+0530", "yyyyMMdd": "20231", "d": "", "''": "x", "MMM": "11",
	} {
		f, err := Compile(pattern)
		require.NoError(t, err, pattern)
		_, err = f.Parse(text)
		assert.ErrorIs(t, err, ErrText, "%s of %s", text, pattern)
	}
}

func TestAPatternThatIsNoneIsRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		"bogus": "illegal pattern character 'b'", "yyyy-MM-dd'T": "unterminated quote", "XXXX": "invalid ISO 8601 format: length=4",
	} {
		_, err := Compile(pattern)
		assert.EqualError(t, err, want)
	}
}
