package mqtt

import (
	"errors"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// zeroOr lets 0 pass a check.
func zeroOr(check connect.Check) connect.Check { return exceptNumber(0, check) }

// unsetOr lets -1, which stands for "not set", pass a check.
func unsetOr(check connect.Check) connect.Check { return exceptNumber(-1, check) }

func exceptNumber(n int64, check connect.Check) connect.Check {
	return func(v connect.Value) error {
		if !v.IsNull() && v.Int64() == n {
			return nil
		}
		return check(v)
	}
}

func beginsWithSlash(v connect.Value) error {
	if !v.IsNull() && !strings.HasPrefix(v.Str(), "/") {
		return errors.New("a path begins with a slash")
	}
	return nil
}

// notSparkplug refuses a format whose name is kept for later.
func notSparkplug(v connect.Value) error {
	if !v.IsNull() && v.Str() == "sparkplug_b" {
		return errors.New("Sparkplug B is not decoded by this version: use bytes, and decode behind Kafka") //lint:ignore ST1005 a proper name
	}
	return nil
}

// reserved are the beginnings of keys that are kept for what this version does not have.
var reserved = []struct{ prefix, what string }{
	{"mqtt.sparkplug.", "Sparkplug B"},
	{"spool.", "store and forward"},
	{"listeners", "devices that connect to Sluice itself (MqttProxySource)"},
}

// reservedKeys finds keys that this version cannot honour: to take them in silence would promise something.
func reservedKeys(cfg connect.Config) []connect.Problem {
	var found []connect.Problem
	for key := range cfg {
		for _, r := range reserved {
			if strings.HasPrefix(key, r.prefix) {
				found = append(found, connect.Problem{Key: key, Message: "is kept for " + r.what + ", which this version does not have: remove it"})
			}
		}
	}
	return found
}
