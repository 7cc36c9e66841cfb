package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// readConnector reads a connector's file: the body of a POST, a flat JSON object, or properties
// (org.apache.kafka.connect.cli.ConnectStandalone).
func readConnector(path string) (herder.NewConnector, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return herder.NewConnector{}, fmt.Errorf("reading connector: %w", err)
	}
	var c herder.NewConnector
	switch text := bytes.TrimSpace(data); {
	case bytes.HasPrefix(text, []byte("{")):
		c, err = connectorOfJSON(data)
	case bytes.HasPrefix(text, []byte("[")):
		err = errors.New("it is a JSON array: want one object, a file for each connector")
	default:
		var properties workerconfig.Properties
		properties, err = workerconfig.ReadFile(path)
		c.Config = connect.Config(properties)
	}
	if err != nil {
		return herder.NewConnector{}, fmt.Errorf("reading connector %s: %w", path, err)
	}
	if c.Name = cmp.Or(c.Config["name"], c.Name); c.Name == "" {
		return herder.NewConnector{}, fmt.Errorf("%s: name is missing: give the connector a name", path)
	}
	c.Config["name"] = c.Name
	return c, nil
}

// connectorOfJSON takes an object with a member config for the body of a POST, any other for a configuration.
func connectorOfJSON(data []byte) (herder.NewConnector, error) {
	var body struct {
		Name         string   `json:"name"`
		Config       settings `json:"config"`
		InitialState string   `json:"initial_state"`
	}
	failed := json.Unmarshal(data, &body)
	if failed == nil && body.Config != nil {
		return herder.NewConnector{Name: body.Name, Config: connect.Config(body.Config), InitialState: body.InitialState}, nil
	}
	var flat settings
	if err := json.Unmarshal(data, &flat); err != nil {
		return herder.NewConnector{}, cmp.Or(failed, err)
	}
	return herder.NewConnector{Config: connect.Config(flat)}, nil
}

// settings are a configuration as JSON, in which numbers and booleans stand for their text, as over REST.
type settings connect.Config

// UnmarshalJSON implements json.Unmarshaler.
func (s *settings) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	*s = make(settings, len(members))
	for key, value := range members {
		text := string(value)
		switch text[0] {
		case '{', '[', 'n':
			return fmt.Errorf("%s: want a text, a number, true or false", key)
		case '"':
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
		}
		(*s)[key] = text
	}
	return nil
}
