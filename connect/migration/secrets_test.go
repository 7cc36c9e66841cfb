package migration

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlyValuesOfHarmlessKeysAreShown(t *testing.T) {
	s := secretsOf(map[string]string{"uri": "tcp://gateway:pa55@plant:1883", "name": "harmless-name"})
	assert.Equal(t, "harmless-name cannot use [hidden]", s.Removed("harmless-name cannot use tcp://gateway:pa55@plant:1883"))
}

func TestTheFrameOfAReasonRepeatsTheValueAndGoes(t *testing.T) {
	assert.Equal(t, "Not a number", unframed("k", "Invalid value 12x for configuration k: Not a number"))
	assert.Equal(t, "it is missing", unframed("k", "k: it is missing"))
	assert.Equal(t, "Invalid value x for configuration other: no", unframed("k", "Invalid value x for configuration other: no"))
}
