package migration

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestValuesAreTakenOutOfReasons(t *testing.T) {
	s := secretsOf(map[string]string{
		"uri": "tcp://gateway:pa55@plant:1883, tcp://other:1883", "jaas": `Module required password="in quotes";`, "short": "abc", "word": "value",
		"name": "harmless-name", "empty": "", "signs": "p@ss!",
	})
	for text, want := range map[string]string{
		"cannot use tcp://gateway:pa55@plant:1883":    "cannot use [hidden]",
		`"abc" is not good`:                           `"[hidden]" is not good`,
		"got p@ss! and 'p@ss!'":                       "got [hidden] and '[hidden]'",
		"login pa55 of gateway":                       "login [hidden] of [hidden]",
		"got (in quotes)":                             "got ([hidden])",
		"abc is short, values and revalued are words": "abc is short, values and revalued are words",
		"the value itself is hidden":                  "the [hidden] itself is hidden",
		"harmless-name is a name":                     "harmless-name is a name",
	} {
		assert.Equal(t, want, s.removed(text))
	}
}

func TestTheFrameOfAReasonRepeatsTheValueAndGoes(t *testing.T) {
	assert.Equal(t, "Not a number", unframed("k", "Invalid value 12x for configuration k: Not a number"))
	assert.Equal(t, "it is missing", unframed("k", "k: it is missing"))
	assert.Equal(t, "Invalid value x for configuration other: no", unframed("k", "Invalid value x for configuration other: no"))
}
