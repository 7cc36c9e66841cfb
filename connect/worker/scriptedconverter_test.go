package worker

import (
	"sync"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// scriptedConverter is a class of converters of texts that fail as a test says. The zero value never fails.
type scriptedConverter struct {
	mu   sync.Mutex
	fail func(text string) error
	made []string // each text that went through
}

const scriptedConverterClass = "test.ScriptedConverter"

func (c *scriptedConverter) definition() converters.Definition {
	return converters.Definition{
		Spec: connect.NewSpec(scriptedConverterClass, "1"),
		New:  func(converters.Seat, connect.Config) (converters.Converter, error) { return c, nil },
	}
}

// fails sets what texts fail, and why, from now on.
func (c *scriptedConverter) fails(fail func(text string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = fail
}

// count is how many texts went through.
func (c *scriptedConverter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.made)
}

func (c *scriptedConverter) through(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		if err := c.fail(text); err != nil {
			return err
		}
	}
	c.made = append(c.made, text)
	return nil
}

func (c *scriptedConverter) Encode(_ *converters.Arena, _ string, _ *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, nil
	}
	if err := c.through(v.Str()); err != nil {
		return nil, err
	}
	return []byte(v.Str()), nil
}

func (c *scriptedConverter) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return nil, connect.Value{}, nil
	}
	if err := c.through(string(data)); err != nil {
		return nil, connect.Value{}, err
	}
	return connect.StringSchema, connect.String(string(data)), nil
}
