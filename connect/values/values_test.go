package values

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestFloatsAreWrittenAsJavaWritesThem(t *testing.T) {
	for want, f := range map[string]float64{
		"0.0": 0, "-0.0": math.Copysign(0, -1), "1.0": 1, "0.001": 1e-3, "9.999E-4": 9.999e-4, "1.0E7": 1e7, "9999999.0": 9999999,
		"1.0E21": 1e21, "4.9E-324": 5e-324, "-1.5E-10": -1.5e-10, "NaN": math.NaN(), "-Infinity": math.Inf(-1),
		"1.7976931348623157E308": math.MaxFloat64, "1.0E100": 1e100,
	} {
		assert.Equal(t, want, string(AppendFloat64(nil, f)))
	}
	assert.Equal(t, "1.4E-45", string(AppendFloat32(nil, math.SmallestNonzeroFloat32)))
	assert.Equal(t, "0.33333334", string(AppendFloat32(nil, 1.0/3)))
}

func TestDecimalsAreWrittenAsBigDecimalWritesThem(t *testing.T) {
	for want, d := range map[string]connect.Decimal{
		"150": {Unscaled: big.NewInt(150)}, "1.50": {Unscaled: big.NewInt(150), Scale: 2}, "-0.00150": {Unscaled: big.NewInt(-150), Scale: 5},
		"1.50E+4": {Unscaled: big.NewInt(150), Scale: -2}, "0E+3": {Scale: -3, Unscaled: new(big.Int)}, "1E-7": {Unscaled: big.NewInt(1), Scale: 7},
		"0.000001": {Unscaled: big.NewInt(1), Scale: 6}, "0E-7": {Unscaled: new(big.Int), Scale: 7}, "1E+1": {Unscaled: big.NewInt(1), Scale: -1},
	} {
		text := string(AppendDecimal(nil, &d))
		assert.Equal(t, want, text)
		back, err := ParseDecimal(text)
		require.NoError(t, err)
		assert.True(t, connect.DecimalOf(&d).Equal(connect.DecimalOf(back)), "%s reads back as itself", want)
	}
}

func TestWhatIsNoNumberIsRefused(t *testing.T) {
	for _, text := range []string{"", "+", "-", ".", "1.2.3", "1e", "e5", "1e99999999999", "1x", "0x10", "1_0", " 1", "--1"} {
		_, err := ParseDecimal(text)
		assert.ErrorIs(t, err, ErrNumber, text)
	}
}

func TestTwosComplementIsAsShortAsItsSignAllows(t *testing.T) {
	for n, want := range map[int64]string{
		0: "\x00", 1: "\x01", 127: "\x7f", 128: "\x00\x80", 255: "\x00\xff", 256: "\x01\x00", -1: "\xff", -128: "\x80", -129: "\xff\x7f", -256: "\xff\x00",
	} {
		got := AppendTwosComplement(nil, big.NewInt(n))
		assert.Equal(t, want, string(got), "%d", n)
		assert.Equal(t, n, FromTwosComplement(got).Int64())
	}
}

func TestTheLowBitsOfADecimalAreWhatJavaKeeps(t *testing.T) {
	for text, want := range map[string]int64{
		"3.9": 3, "-3.9": -3, "1e3": 1000, "1e400": 0, "1e-400": 0, "9223372036854775808": math.MinInt64, "18446744073709551617.5": 1,
		"-9223372036854775809": math.MaxInt64, "1e999999999": 0, "0.00001": 0,
	} {
		d, err := ParseDecimal(text)
		require.NoError(t, err)
		assert.Equal(t, want, Low64(d), text)
	}
}

func TestDaysAndDatesAreEachOthersReverse(t *testing.T) {
	for n := int64(-750000); n < 60000; n += 13 {
		year, month, day := Civil(n)
		require.Equal(t, n, DayNumber(year, int(month), day), "%d-%d-%d", year, month, day)
	}
}

func TestANumberOfADateMayHaveAnExponent(t *testing.T) {
	for text, want := range map[string][2]int{
		"20E3-11": {20000, 4}, "-5": {-5, 2}, "7E": {7, 1}, "12E-1x": {1, 5}, "E3": {0, 0}, "": {0, 0}, "-": {0, 0}, "9E99": {math.MaxInt32, 4}, "4294967297": {1, 10},
	} {
		n, used := LeadingInt(text)
		assert.Equal(t, want, [2]int{n, used}, text)
	}
	for _, text := range []string{"２０２４-０２-29", "2024-02-29", "2024-02-2é", "2024-2-290"} { // what follows a day is ignored
		_, ok := parseTemporal(text)
		assert.True(t, ok, text)
	}
	at, ok := parseTemporal("20E3-11-14")
	assert.True(t, ok)
	assert.Equal(t, int64(568999296000000), at.value.Int64(), "of the year 20000, as Java's SimpleDateFormat says")
}

func TestDatesBefore1582AreJulian(t *testing.T) {
	assert.Equal(t, int64(-141428), DayNumber(1582, 10, 4))
	assert.Equal(t, int64(-141427), DayNumber(1582, 10, 15))
	assert.Equal(t, int64(-719164), DayNumber(1, 1, 1))
	year, month, day := Civil(-719164)
	assert.Equal(t, "1 January 1", strings.Join([]string{string(rune('0' + day)), month.String(), string(rune('0' + year))}, " "))
}

func TestBrokenUTF8IsReplacedOncePerBeginningOfACharacter(t *testing.T) {
	for in, want := range map[string]string{
		"zł": "zł", "a\xffb": "a\ufffdb", "\xe5\xbfK": "\ufffdK", "\xed\xa0\x80": "\ufffd", "\xf0\x9f\x98": "\ufffd", "\xf0\x80\x80\x80": "\ufffd\ufffd\ufffd\ufffd",
		"\xc0\xaf": "\ufffd\ufffd", "\xe0\x80x": "\ufffd\ufffdx", "\xf4\x90": "\ufffd\ufffd", "\xf5": "\ufffd", "\xe2\x82": "\ufffd",
	} {
		assert.Equal(t, want, Text([]byte(in)), "%q", in)
	}
}

func TestAHugeExponentCostsNothing(t *testing.T) {
	start := time.Now()
	schema, v, err := Parse("1e999999999")
	require.NoError(t, err)
	assert.Equal(t, connect.DecimalName, schema.Name())
	assert.Equal(t, int32(-999999999), v.Decimal().Scale)
	assert.Less(t, time.Since(start), time.Second)
}

func TestListsNestedTooDeeplyAreAnError(t *testing.T) {
	_, _, err := Parse(strings.Repeat("[", 5000))
	require.Error(t, err)
}

func TestBytesInsideAStructAreReadableText(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("b", connect.BytesSchema))
	v := connect.StructOf(connect.NewStruct(schema).Set("b", connect.Bytes([]byte{1, 2})))
	assert.Equal(t, "Struct{b=AQI=}", string(AppendJava(nil, v)))
	assert.Equal(t, `{"b":"AQI="}`, string(Append(nil, v)))
}

func TestWholeNumbersAreReadAsJavaReadsThem(t *testing.T) {
	for text, want := range map[string]int64{"-128": -128, "+5": 5, "007": 7, "\u0661\u0662": 12} {
		n, err := ParseInteger(text, 8)
		require.NoError(t, err, text)
		assert.Equal(t, want, n)
	}
	for _, text := range []string{"", "-", "128", " 5", "5 ", "1.0", "--1", "1_0", "0x1"} {
		_, err := ParseInteger(text, 8)
		assert.ErrorIs(t, err, ErrNumber, text)
	}
}

func TestFloatsAreReadAsJavaReadsThem(t *testing.T) {
	for text, want := range map[string]float64{" 1.5\n": 1.5, "1d": 1, ".5f": 0.5, "5.": 5, "1e400": math.Inf(1), "-Infinity": math.Inf(-1), "0x1p3": 8} {
		f, err := ParseFloat(text, 64)
		require.NoError(t, err, text)
		assert.Equal(t, want, f, text)
	}
	nan, err := ParseFloat("NaN", 32)
	require.NoError(t, err)
	assert.True(t, math.IsNaN(nan))
	for _, text := range []string{"", "f", "inf", "nan", "1_0", "infinity", "0x1", "1ff", "e5"} {
		_, err := ParseFloat(text, 64)
		assert.ErrorIs(t, err, ErrNumber, text)
	}
}

// The short way of writing a float says what the long one does.
func TestFloatsOfFewDigitsAreWrittenAsAllOthers(t *testing.T) {
	long := func(f float64, bits int) string {
		text := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	same := func(want string, got []byte) {
		if want != string(got) {
			t.Fatalf("want %s, got %s", want, got)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		scale := math.Pow10(random.IntN(9))
		for _, f := range []float64{
			float64(random.IntN(1e9)) / scale, -float64(random.IntN(1e6)) / scale, random.Float64() * scale,
			math.Nextafter(float64(random.IntN(1e6))/scale, math.Inf(2*random.IntN(2)-1)),
		} {
			if abs := math.Abs(f); abs >= 1e-3 && abs < 1e7 {
				same(long(f, 64), AppendFloat64(nil, f))
			}
			if narrow := float32(f); narrow >= 1e-3 && narrow < 1e7 {
				same(long(float64(narrow), 32), AppendFloat32(nil, narrow))
			}
		}
	}
	for want, f := range map[string]float64{"0.0": 0, "-0.0": math.Copysign(0, -1), "0.001": 0.001, "9999999.0": 9999999, "-21.5": -21.5, "100.0625": 100.0625} {
		require.Equal(t, want, string(AppendFloat64(nil, f)))
		require.Equal(t, want, string(AppendFloat32(nil, float32(f))))
	}
}
