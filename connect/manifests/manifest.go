// Package manifests reads connectors as people write them down: the bodies of POSTs, plain configurations, YAML, properties; one or several in a file, whole
// folders of them.
package manifests

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Manifest is a connector as it shall be.
type Manifest struct {
	Name   string
	Config connect.Config // with its name
	// InitialState is RUNNING, PAUSED or STOPPED, which counts when the connector is created; empty leaves it to the worker.
	InitialState string
	// Source says where it was read, for people: a file, with a line where it holds several.
	Source string
}

// Hidden is what workers show in place of a secret. A manifest with such a value was exported without its secrets and cannot be applied.
const Hidden = connect.Hidden

// members of a body beside name and config: those after the state are of an answer to GET /connectors/X, which may be sent back.
var bodyMembers = []string{"name", "config", "initial_state", "tasks", "type"}

// of turns the value at the top of a document, or in a list there, into manifests.
func of(source string, v value) ([]Manifest, error) {
	switch v.kind {
	case list:
		var all []Manifest
		var errs []error
		for _, item := range v.items {
			some, err := of(source, item)
			all, errs = append(all, some...), append(errs, err)
		}
		return all, errors.Join(errs...)
	case object:
		m := Manifest{Source: source}
		err := m.read(v)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", source, v.line, err)
		}
		return []Manifest{m}, nil
	}
	return nil, fmt.Errorf("%s:%d: want a connector: an object with name and config, or a configuration", source, v.line)
}

// read takes an object with a config that is an object for the body of a POST, any other for a configuration.
func (m *Manifest) read(v value) error {
	if repeated := v.repeated(); repeated != "" {
		return fmt.Errorf("%s: it stands here twice", repeated)
	}
	config := v
	if inner, ok := v.member("config"); ok && inner.kind == object {
		for _, member := range v.members {
			if !slices.Contains(bodyMembers, member.name) {
				return fmt.Errorf("%s: unknown beside config: want name, config and initial_state, or move it into config", member.name)
			}
		}
		if repeated := inner.repeated(); repeated != "" {
			return fmt.Errorf("%s: it stands here twice", repeated)
		}
		name, err := v.textOf("name")
		if err != nil {
			return err
		}
		state, err := v.textOf("initial_state")
		if err != nil {
			return err
		}
		m.Name, m.InitialState, config = strings.TrimSpace(name), strings.ToUpper(state), inner
	}
	m.Config = make(connect.Config, len(config.members))
	for _, member := range config.members {
		text, err := member.value.scalar()
		if err != nil {
			return fmt.Errorf("%s: %w", member.name, err)
		}
		m.Config[member.name] = text
	}
	return m.check()
}

// check says what keeps a manifest from being one, by the key.
func (m *Manifest) check() error {
	inner := m.Config["name"]
	m.Name = cmp.Or(m.Name, inner)
	switch {
	case m.Name == "":
		return errors.New("name is missing: give the connector a name")
	case inner != "" && inner != m.Name:
		return fmt.Errorf("name: it is %s outside of config and %s in it: leave one out", m.Name, inner)
	case m.InitialState != "" && m.InitialState != "RUNNING" && m.InitialState != "PAUSED" && m.InitialState != "STOPPED":
		return fmt.Errorf("initial_state: %s is none of RUNNING, PAUSED and STOPPED", m.InitialState)
	}
	for key, text := range m.Config {
		if text == Hidden {
			return fmt.Errorf("%s: it is %s: the file was exported without its secrets: put the value or a reference such as ${file:...} in its place", key, Hidden)
		}
	}
	m.Config["name"] = m.Name
	return nil
}
