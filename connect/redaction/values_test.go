package redaction

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestValuesAreTakenOutOfTexts(t *testing.T) {
	v := Of("tcp://gateway:pa55@plant:1883, tcp://other:1883", `Module required password="in quotes";`, "abc", "value", "", "p@ss!", "tab\there", "a secret/with signs", "kafka-one:9092",
		"mqtt://broker.plant.example:1883/x")
	for text, want := range map[string]string{
		"cannot use tcp://gateway:pa55@plant:1883":                    "cannot use [hidden]",
		`"abc" is not good`:                                           `"[hidden]" is not good`,
		"got p@ss! and 'p@ss!'":                                       "got [hidden] and '[hidden]'",
		"login pa55 of gateway":                                       "login [hidden] of [hidden]",
		"got (in quotes)":                                             "got ([hidden])",
		"lookup kafka-one: no such host":                              "lookup [hidden]: no such host",
		"dial broker.plant.example:1883, lookup broker.plant.example": "dial [hidden], lookup [hidden]",
		"abc is short, values and revalued are words":                 "abc is short, values and revalued are words",
		"the value itself is hidden":                                  "the [hidden] itself is hidden",
		`got "tab\there"`:                                             `got "[hidden]"`,
		"GET /?p=a+secret%2Fwith+signs a%20secret%2Fwith%20signs":     "GET /?p=[hidden] [hidden]",
	} {
		assert.Equal(t, want, v.Removed(text))
	}
	assert.Equal(t, "Invalid value [hidden] for configuration k: abc is no number", Of("abc").Removed("Invalid value abc for configuration k: abc is no number"))
	assert.Equal(t, "as it is", Values(nil).Removed("as it is"))
}

func TestARedactedErrorIsStillOfItsClass(t *testing.T) {
	err := Of("hunter22").Error(fmt.Errorf("login with hunter22: %w", fs.ErrPermission))
	assert.EqualError(t, err, "login with [hidden]: permission denied")
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.NoError(t, Of("x").Error(nil))
	same := errors.New("same")
	assert.Same(t, same, Values(nil).Error(same))
}

func TestALoggerWritesNoValueWhereverItStands(t *testing.T) {
	var out bytes.Buffer
	log := Of("hunter22").Logger(slog.New(slog.NewTextHandler(&out, nil)))
	log.With("early", "hunter22").WithGroup("g").Info("it is hunter22", "text", "hunter22", "error", errors.New("no hunter22"), "n", 7,
		slog.Group("inner", "deep", "hunter22"), "list", []string{"hunter22"})
	assert.NotContains(t, out.String(), "hunter22")
	for _, kept := range []string{`msg="it is [hidden]"`, "early=[hidden]", "g.text=[hidden]", `g.error="no [hidden]"`, "g.n=7", "g.inner.deep=[hidden]"} {
		assert.Contains(t, out.String(), kept)
	}
}
