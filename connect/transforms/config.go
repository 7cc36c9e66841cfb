package transforms

import (
	"errors"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/pattern"
)

var replaceNullKey = connect.BoolKey("replace.null.with.default",
	"Whether a null in a field that has a default is read as the default; otherwise it stays null.").Default(true)

// errEmptyList is NonEmptyListValidator's reason.
var errEmptyList = errors.New("Empty list") //lint:ignore ST1005 Kafka's text

func nonEmptyList(v connect.Value) error {
	if v.IsNull() || len(v.Array()) == 0 {
		return errEmptyList
	}
	return nil
}

// expression refuses what is no regular expression of Java's (RegexValidator).
func expression(v connect.Value) error {
	if v.IsNull() {
		return errors.New(`Invalid regex: Cannot invoke "String.isEmpty()" because "this.pattern" is null`) //lint:ignore ST1005 Kafka's text
	}
	if _, err := pattern.Compile(v.Str()); err != nil {
		return errors.New("Invalid regex: " + err.Error())
	}
	return nil
}
