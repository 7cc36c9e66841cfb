package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// logicalWriters write the messages of logical types, zeros left out.
var logicalWriters = map[string]func(*encodedField, []byte, connect.Value) ([]byte, error){
	connect.DecimalName: (*encodedField).decimal, connect.DateName: (*encodedField).date, connect.TimeName: (*encodedField).time,
	connect.TimestampName: (*encodedField).timestamp,
}

func (f *encodedField) decimal(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindDecimal {
		return nil, f.mismatch(v)
	}
	d := v.Decimal()
	start := len(dst) + 1
	dst = append(dst, 0, 1<<3|byte(protowire.BytesType), 0)
	at := len(dst)
	dst = closeLength(values.AppendTwosComplement(dst, d.Unscaled), at)
	dst = appendNumber(dst, 2, int64(digits(d)))
	return closeLength(appendNumber(dst, 3, int64(d.Scale)), start), nil
}

// digits is the precision of a number (java.math.BigDecimal.precision): 1 for zero.
func digits(d *connect.Decimal) int {
	if d.Unscaled.Sign() == 0 {
		return 1
	}
	n := len(d.Unscaled.Text(10))
	if d.Unscaled.Sign() < 0 {
		n--
	}
	return n
}

func appendNumber(dst []byte, number protowire.Number, n int64) []byte {
	if n == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), uint64(n))
}

func (f *encodedField) date(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, f.mismatch(v)
	}
	if v.Int64()%millisPerDay != 0 {
		return nil, fmt.Errorf("%w: a Date with a time of day", connect.ErrData)
	}
	t := v.Time()
	start := len(dst) + 1
	dst = appendNumber(append(dst, 0), 1, int64(t.Year()))
	dst = appendNumber(dst, 2, int64(t.Month()))
	return closeLength(appendNumber(dst, 3, int64(t.Day())), start), nil
}

func (f *encodedField) time(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, f.mismatch(v)
	}
	ms := v.Int64()
	if ms < 0 || ms >= millisPerDay {
		return nil, fmt.Errorf("%w: a Time beyond one day", connect.ErrData)
	}
	start := len(dst) + 1
	dst = appendNumber(append(dst, 0), 1, ms/3_600_000)
	dst = appendNumber(dst, 2, ms/60_000%60)
	dst = appendNumber(dst, 3, ms/1000%60)
	return closeLength(appendNumber(dst, 4, ms%1000*1_000_000), start), nil
}

func (f *encodedField) timestamp(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, f.mismatch(v)
	}
	ms := v.Int64()
	seconds, rest := ms/1000, ms%1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	start := len(dst) + 1
	dst = appendNumber(append(dst, 0), 1, seconds)
	return closeLength(appendNumber(dst, 2, rest*1_000_000), start), nil
}

const millisPerDay = 24 * 60 * 60 * 1000
