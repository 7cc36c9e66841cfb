package remote

import (
	"context"
	"errors"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// class is one class of a plugin.
type class struct {
	*plugin
	described *contract.Class
	spec      connect.Spec
}

// newClass puts the checks and recommenders into the keys that the plugin itself has an opinion on: they ask it.
func newClass(p *plugin, d *contract.Class) *class {
	c := &class{plugin: p, described: d, spec: wire.ToSpec(d)}
	if c.spec.Version == "" {
		c.spec.Version = p.version
	}
	for i, key := range d.GetKeys() {
		if key.GetChecked() {
			c.spec.Keys[i].Check = func(v connect.Value) error { return c.check(key.GetName(), v) }
		}
		if key.GetRecommends() {
			c.spec.Keys[i].Recommend = recommender{class: c, key: key.GetName()}
		}
	}
	return c
}

// Spec describes the class.
func (c *class) Spec() connect.Spec { return c.spec }

// hiding is ctx for questions with a configuration: beside what its caller knows of secrets in there, nobody shall see the values of PASSWORD keys.
func (c *class) hiding(ctx context.Context, cfg connect.Config) context.Context {
	values := slices.Clip(redaction.From(ctx))
	for _, key := range c.spec.Keys {
		if value := cfg[key.Name]; key.Type == connect.TypePassword && value != "" {
			values = append(values, value)
		}
	}
	return redaction.Of(values...).Context(ctx)
}

func (c *class) can(a contract.Ability) bool {
	for _, has := range c.described.GetAbilities() {
		if has == a {
			return true
		}
	}
	return false
}

// with is the class with a configuration.
func (c *class) with(cfg connect.Config) *contract.ClassConfig {
	return &contract.ClassConfig{Type: c.described.GetType(), Class: c.described.GetName(), Config: cfg}
}

// check has the plugin judge a value.
func (c *class) check(key string, v connect.Value) error {
	ctx, cancel := context.WithTimeout(context.Background(), keyTimeout)
	defer cancel()
	value, err := wire.ToValue(v)
	if err != nil {
		return err
	}
	answer, err := ask(ctx, c.plugin, contract.PluginClient.CheckKey, &contract.CheckKeyRequest{
		Type: c.described.GetType(), Class: c.described.GetName(), Key: key, Value: value,
	})
	switch {
	case err != nil:
		return err
	case answer.GetRefusal() == "":
		return nil
	case answer.GetVerbatim():
		return connect.Verbatim(answer.GetRefusal())
	}
	return errors.New(answer.GetRefusal())
}

// recommender asks the plugin what to offer for a key. Where it does not answer nothing is offered, and the log says why.
type recommender struct {
	*class
	key string // as the plugin knows it: an embedded key has a prefix for others
}

func (r recommender) ask(cfg connect.Config) *contract.Recommendation {
	ctx, cancel := context.WithTimeout(context.Background(), keyTimeout)
	defer cancel()
	answer, err := ask(r.hiding(ctx, cfg), r.plugin, contract.PluginClient.Recommend, &contract.RecommendRequest{
		Type: r.described.GetType(), Class: r.described.GetName(), Key: r.key, Config: cfg,
	})
	if err != nil {
		r.log.Warn("a plugin gives no recommendation", "class", r.described.GetName(), "key", r.key, "error", err)
		return &contract.Recommendation{}
	}
	return answer
}

// Values implements connect.Recommender.
func (r recommender) Values(_ string, cfg connect.Config) []string { return r.ask(cfg).GetValues() }

// Visible implements connect.Recommender.
func (r recommender) Visible(_ string, cfg connect.Config) bool { return !r.ask(cfg).GetHidden() }
