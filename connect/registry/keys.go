package registry

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

var (
	urlKey = connect.ListKey("schema.registry.url",
		"URLs of the schema registry, separated by commas. When one cannot be reached, the next is asked.").
		Importance(connect.High).Must(everyURL)

	randomizeKey = connect.BoolKey("schema.registry.url.randomize", "Whether to begin with a random one of the URLs.").
			Default(false).Importance(connect.Low)

	cacheKey = connect.IntKey("max.schemas.per.subject", "How many ids of schemas this converter keeps, in each direction.").
			Default(1000).Importance(connect.Low).Must(connect.AtLeast(1))

	autoRegisterKey = connect.BoolKey("auto.register.schemas",
		"Whether to register the schema of what is written. Otherwise it must be there, or use.latest.version must be true.").
		Default(true)

	normalizeKey = connect.BoolKey("normalize.schemas",
		"Whether the registry ignores differences without significance when it registers or looks up a schema.").Default(false)

	useLatestKey = connect.BoolKey("use.latest.version",
		"Whether to write with the latest schema of the subject, where auto.register.schemas is false, and to read into it.").
		Default(false).Importance(connect.Low)

	strictKey = connect.BoolKey("latest.compatibility.strict",
		"Whether the latest schema must be able to read what the record's own schema writes, before use.latest.version writes with it.").
		Default(true).Importance(connect.Low)

	latestTTLKey = connect.LongKey("latest.cache.ttl.sec", "For how many seconds a latest schema is not asked for again; -1 for ever.").
			Default(-1).Importance(connect.Low)

	keyStrategyKey = connect.ClassKey("key.subject.name.strategy", "How the subject of a key's schema is named: "+strategyNames+".").
			Default(topicStrategy).Must(knownStrategy)

	valueStrategyKey = connect.ClassKey("value.subject.name.strategy", "How the subject of a value's schema is named: "+strategyNames+".").
				Default(topicStrategy).Must(knownStrategy)

	connectTimeoutKey = connect.IntKey("http.connect.timeout.ms", "How long connecting to the registry may take.").
				Default(10_000).Importance(connect.Low).Must(connect.AtLeast(1))

	readTimeoutKey = connect.IntKey("http.read.timeout.ms", "How long an answer of the registry may take.").
			Default(10_000).Importance(connect.Low).Must(connect.AtLeast(1))

	proxyHostKey = connect.StringKey("proxy.host", "The HTTP proxy in front of the registry; without one, that of the environment.").
			Default("").Importance(connect.Low)

	proxyPortKey = connect.IntKey("proxy.port", "The port of proxy.host.").Default(-1).Importance(connect.Low)
)

// Keys are the keys that every converter of a schema registry has.
func Keys() []connect.Definer {
	keys := []connect.Definer{
		urlKey, randomizeKey, cacheKey, autoRegisterKey, normalizeKey, useLatestKey, strictKey, latestTTLKey, keyStrategyKey, valueStrategyKey,
		connectTimeoutKey, readTimeoutKey, proxyHostKey, proxyPortKey,
	}
	return append(append(keys, loginKeys...), tlsKeys...)
}

// Definition describes a converter class with these keys and its own, and makes converters of it once the keys are checked.
func Definition(class string, own []connect.Definer, construct func(r *Registry, cfg connect.Config) (converters.Converter, error)) converters.Definition {
	keys := append(Keys(), own...)
	spec := connect.NewSpec(class, version, keys...)
	return converters.Definition{Spec: spec, New: func(seat converters.Seat, cfg connect.Config) (converters.Converter, error) {
		if err := check(spec.Keys, cfg); err != nil {
			return nil, err
		}
		r, err := New(seat, cfg)
		if err != nil {
			return nil, err
		}
		return construct(r, cfg)
	}}
}

// version is the release of Confluent's converters whose behaviour these have.
const version = "8.1.0"

// check returns the first thing that is wrong with a converter's keys, a [connect.ConfigError]: options of the worker's have not been validated.
func check(keys connect.ConfigDef, cfg connect.Config) error {
	for _, report := range keys.Validate(cfg) {
		if len(report.Errors) > 0 {
			return &connect.ConfigError{Key: report.Def.Name, Reason: strings.Join(report.Errors, "; ")}
		}
	}
	for key, reason := range refused {
		if _, given := cfg[key]; given {
			return &connect.ConfigError{Key: key, Reason: reason + ": remove the key"}
		}
	}
	return nil
}

// refused are keys of Confluent's that would change what is written or read, and are not here.
var refused = map[string]string{
	"use.schema.id":                   "a schema cannot be chosen by its id here",
	"use.schema.guid":                 "a schema cannot be chosen by its guid here",
	"use.latest.with.metadata":        "a schema cannot be chosen by its metadata here",
	"context.name.strategy":           "there are no schema contexts here",
	"key.schema.id.serializer":        "ids of schemas stand in front of the message here",
	"value.schema.id.serializer":      "ids of schemas stand in front of the message here",
	"key.schema.id.deserializer":      "ids of schemas stand in front of the message here",
	"value.schema.id.deserializer":    "ids of schemas stand in front of the message here",
	"rule.executors":                  "there are no data contract rules here",
	"schema.backup.enabled":           "there are no backup envelopes here",
	"reference.subject.name.strategy": "schemas are written whole, without references to others",
}

func everyURL(v connect.Value) error {
	if v.IsNull() {
		return nil
	}
	if len(v.Array()) == 0 {
		return errors.New("it names no registry: give its URL, such as http://registry:8081")
	}
	for _, e := range v.Array() {
		if _, err := parseURL(e.Str()); err != nil {
			return err
		}
	}
	return nil
}

// parseURL reads one URL of a registry. Its error does not show the login that may stand in it.
func parseURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("it is no URL: give one such as http://registry:8081")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("its scheme is %s: it must be http or https", u.Scheme)
	case u.Host == "":
		return nil, errors.New("it names no host: give a URL such as http://registry:8081")
	}
	return u, nil
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
