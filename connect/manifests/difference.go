package manifests

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Change is one key in which two configurations differ; nil is a value that is not there.
type Change struct {
	Key      string
	From, To *string
}

// Difference is what has to change in a connector's configuration for a manifest's to be there, by key.
func (m Manifest) Difference(from connect.Config) []Change {
	from = maps.Clone(from)
	if from == nil {
		from = connect.Config{}
	}
	if from["name"] == "" { // a worker adds it, but not every one does
		from["name"] = m.Name
	}
	var changes []Change
	for key, value := range from {
		if to, stays := m.Config[key]; !stays {
			changes = append(changes, Change{Key: key, From: &value})
		} else if to != value {
			changes = append(changes, Change{Key: key, From: &value, To: &to})
		}
	}
	for key, value := range m.Config {
		if _, has := from[key]; !has {
			changes = append(changes, Change{Key: key, To: &value})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Key, b.Key) })
	return changes
}
