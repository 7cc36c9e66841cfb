package dateformat

import "testing"

// FuzzText reads any text by any pattern, as TimestampConverter does with what is in records. What is read by a pattern that says all is written so that it is
// read again as the same moment.
func FuzzText(f *testing.F) {
	for _, seed := range [][2]string{
		{whole, "2023-11-14T22:13:20.123+05:30 AD"}, {"EEE, d MMM yyyy hh:mm a z", "Tue, 14 Nov 2023 10:13 pm PST"}, {"yyyy-MM-dd HH:mm z", "2023-11-14 22:13 gmt+1:30"},
		{"YYYY-'W'ww-u", "2023-W46-2"}, {"d.M.yyyy G", "15.3.44 BC"}, {"S", "1E3"}, {"yyyyMMddHHmmssSSS", "20231114221320123"}, {"''''k K D F", "''24 11 366 5"},
	} {
		f.Add(seed[0], seed[1])
	}
	all, err := Compile(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if format, err := Compile(pattern); err == nil {
			if ms, err := format.Parse(text); err == nil {
				format.Append(nil, ms)
			}
		}
		ms, err := all.Parse(text)
		if err != nil {
			return
		}
		written := string(all.Append(nil, ms))
		again, err := all.Parse(written)
		if err != nil || again != ms {
			t.Errorf("%q is %d, which is written %q and read as %d, %v", text, ms, written, again, err)
		}
	})
}

// whole is a pattern with all that a moment has: it is read as it is written.
const whole = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX G"
