package validation

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// ConfigInfos is the answer of PUT /connector-plugins/{plugin}/config/validate, members in Kafka Connect's order.
type ConfigInfos struct {
	Name       string       `json:"name"`
	ErrorCount int          `json:"error_count"`
	Groups     []string     `json:"groups"`
	Configs    []ConfigInfo `json:"configs"`

	main int // how many of Configs are the main section, whose errors are counted one by one
}

// ConfigInfo is one key: its definition, null for a key known only by its value, and what there is to say of the value.
type ConfigInfo struct {
	Definition *ConfigKeyInfo   `json:"definition"`
	Value      *ConfigValueInfo `json:"value"`
}

// ConfigKeyInfo is the definition of a key.
type ConfigKeyInfo struct {
	Name          string   `json:"name"`
	Type          string   `json:"type"`
	Required      bool     `json:"required"`
	DefaultValue  *string  `json:"default_value"`
	Importance    string   `json:"importance"`
	Documentation string   `json:"documentation"`
	Group         *string  `json:"group"`
	Width         string   `json:"width"`
	DisplayName   string   `json:"display_name"`
	Dependents    []string `json:"dependents"`
	Order         int      `json:"order"`
}

// ConfigValueInfo is what validation found of a key.
type ConfigValueInfo struct {
	Name              string   `json:"name"`
	Value             *string  `json:"value"`
	RecommendedValues []string `json:"recommended_values"`
	Errors            []string `json:"errors"`
	Visible           bool     `json:"visible"`
}

// KeyInfo describes a key as REST shows it.
func KeyInfo(k connect.KeyDef) ConfigKeyInfo {
	info := ConfigKeyInfo{
		Name: k.Name, Type: string(k.Type), Required: k.Default.Required(), Importance: string(k.Importance), Documentation: k.Doc,
		Width: string(k.Width), DisplayName: k.DisplayName, Dependents: k.Dependents, Order: k.Order,
	}
	if text, ok := k.Default.Text(); ok {
		if k.Type == connect.TypePassword {
			text = connect.Hidden
		}
		info.DefaultValue = &text
	}
	if k.Group != "" {
		info.Group = &k.Group
	}
	if info.DisplayName == "" {
		info.DisplayName = k.Name
	}
	if info.Dependents == nil {
		info.Dependents = []string{}
	}
	return info
}

// configInfo is a finding with the key under a prefix. A key that is only named has no definition.
func configInfo(found connect.KeyReport, prefix string) ConfigInfo {
	value := newValueInfo(prefix+found.Def.Name, found.Value)
	value.Errors = append(value.Errors, found.Errors...)
	value.RecommendedValues = append(value.RecommendedValues, found.Recommended...)
	value.Visible = found.Visible
	if found.Def.Type == "" {
		return ConfigInfo{Value: value}
	}
	definition := KeyInfo(found.Def)
	definition.Name = value.Name
	return ConfigInfo{Definition: &definition, Value: value}
}

// newValueInfo is a value that nothing was found against yet.
func newValueInfo(name string, value *string) *ConfigValueInfo {
	return &ConfigValueInfo{Name: name, Value: value, RecommendedValues: []string{}, Errors: []string{}, Visible: true}
}

// add takes in a key beyond the main section, where the count is that of keys with errors.
func (i *ConfigInfos) add(info ConfigInfo) {
	i.Configs = append(i.Configs, info)
	if len(info.Value.Errors) > 0 {
		i.ErrorCount++
	}
}

// Refusal is the text of the 400 that answers a configuration with errors.
func (i ConfigInfos) Refusal() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Connector configuration is invalid and contains the following %d error(s):", i.ErrorCount)
	for _, c := range i.Configs {
		for _, e := range c.Value.Errors {
			b.WriteString("\n" + e)
		}
	}
	b.WriteString("\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`")
	return b.String()
}
