package connect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func report(t *testing.T, key connect.Definer, cfg connect.Config) connect.KeyReport {
	t.Helper()
	reports := connect.NewSpec("c", "1", key).Keys.Validate(cfg)
	require.Len(t, reports, 1)
	return reports[0]
}

func TestANumberThatDoesNotParseAlsoFailsItsRange(t *testing.T) {
	key := connect.IntKey("n", "").Default(1).Must(connect.AtLeast(1))
	require.Equal(t, []string{
		"Invalid value x for configuration n: Not a number of type INT",
		"Invalid value null for configuration n: Value must be non-null",
	}, report(t, key, connect.Config{"n": "x"}).Errors)
}

func TestADoubleIsReadAsJavaReadsIt(t *testing.T) {
	for text, want := range map[string]float64{"0x1p3": 8, "-0X1.8P1d": -3, "1.5f": 1.5, "5.": 5, " 1 ": 1} {
		got, err := connect.TypeDouble.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Float64(), text)
	}
	for _, text := range []string{"0x1", "0x1f", "0x1_0p1", "1_0", "inf", "1ff", "1x2"} {
		_, err := connect.TypeDouble.Parse(text)
		require.Error(t, err, text)
	}
}

func TestAMissingKeyAlsoFailsItsCheck(t *testing.T) {
	key := connect.StringKey("s", "").Must(connect.OneOf("a", "b"))
	require.Equal(t, []string{
		`Missing required configuration "s" which has no default value.`,
		"Invalid value null for configuration s: String must be one of: a, b",
	}, report(t, key, nil).Errors)
}

func TestAnUnsetOptionalKeyIsNotChecked(t *testing.T) {
	r := report(t, connect.LongKey("n", "").Optional().Must(connect.AtLeast(1)), nil)
	require.Empty(t, r.Errors)
	require.Nil(t, r.Value)
}

func TestAListIsShownAsJavaShowsIt(t *testing.T) {
	r := report(t, connect.ListKey("l", "").Must(connect.Distinct), connect.Config{"l": "a, a,b"})
	require.Equal(t, []string{"Invalid value [a, a, b] for configuration l: Duplicate alias provided."}, r.Errors)
	require.Equal(t, "a,a,b", *r.Value)
}

func TestListsLongerThanAllowedAreRefused(t *testing.T) {
	r := report(t, connect.ListKey("l", "").Must(connect.AtMost(1)), connect.Config{"l": "a,b"})
	require.Equal(t, []string{"Invalid value [a, b] for configuration l: exceeds maximum list size of [1]."}, r.Errors)
}

func TestASecretIsShownNowhere(t *testing.T) {
	r := report(t, connect.PasswordKey("p", "").Must(connect.OneOf("a")), connect.Config{"p": "hunter2"})
	require.Equal(t, []string{"Invalid value [hidden] for configuration p: String must be one of: a"}, r.Errors)
	require.Equal(t, "[hidden]", *r.Value)
}

func TestACheckThatPanicsRefusesTheValue(t *testing.T) {
	breaks := func(connect.Value) error { panic("oh") }
	errs := report(t, connect.StringKey("s", "").Must(breaks), connect.Config{"s": "x"}).Errors
	require.Len(t, errs, 1)
	require.Contains(t, errs[0], "panicked")
}

func TestACheckNeedNotKnowNull(t *testing.T) {
	even := func(v connect.Value) error {
		if v.Int64()%2 != 0 {
			return connect.ErrUnsupported
		}
		return nil
	}
	require.Equal(t, []string{"Invalid value x for configuration n: Not a number of type INT"},
		report(t, connect.IntKey("n", "").Must(even), connect.Config{"n": "x"}).Errors)
}

func TestADependentThatNobodyDefinesIsAnError(t *testing.T) {
	def := connect.NewSpec("c", "1", connect.StringKey("a", "").Optional().Dependents("b", "c"), connect.StringKey("b", "").Optional().Dependents("c")).Keys
	reports := def.Validate(nil)
	require.Len(t, reports, 3)
	require.Equal(t, connect.KeyReport{
		Def: connect.KeyDef{Name: "c"}, Errors: []string{"c is referred in the dependents, but not defined."},
	}, reports[2])
}

func TestARefusalMayStandWithoutTheFrame(t *testing.T) {
	def := connect.NewSpec("", "", connect.StringKey("k", "").Must(func(connect.Value) error { return connect.Verbatim("as it is") })).Keys
	require.Equal(t, []string{"as it is"}, def.Validate(connect.Config{"k": "v"})[0].Errors)
}
