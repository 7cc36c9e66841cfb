package remote

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// output is what --output asks for; empty is a page for people.
type output string

const (
	asPage output = ""
	asWide output = "wide"
	asJSON output = "json"
	asYAML output = "yaml"
)

// register adds the flag.
func (o *output) register(cmd *cobra.Command) {
	*o = asPage
	cmd.Flags().VarP(o, "output", "o", "json, yaml, or wide for all there is to show")
	_ = cmd.RegisterFlagCompletionFunc("output", // it fails only where there is no such flag
		cobra.FixedCompletions([]cobra.Completion{string(asJSON), string(asYAML), string(asWide)}, cobra.ShellCompDirectiveNoFileComp))
}

// String implements pflag.Value.
func (o *output) String() string { return string(*o) }

// Type implements pflag.Value.
func (o *output) Type() string { return "format" }

// Set implements pflag.Value.
func (o *output) Set(text string) error {
	if !slices.Contains([]output{asWide, asJSON, asYAML}, output(text)) {
		return fmt.Errorf("%q is none of json, yaml and wide", text)
	}
	*o = output(text)
	return nil
}

// document reports whether a machine reads what is written.
func (o output) document() bool { return o == asJSON || o == asYAML }

// write writes a value as JSON or YAML.
func (o output) write(out io.Writer, v any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	if o == asYAML {
		var node yaml.Node
		if err := yaml.Unmarshal(text.Bytes(), &node); err != nil { // JSON is YAML, and keeps the order of members
			return fmt.Errorf("writing YAML: %w", err)
		}
		block(&node)
		text.Reset()
		e := yaml.NewEncoder(&text)
		e.SetIndent(2)
		if err := e.Encode(&node); err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
	}
	_, err := out.Write(text.Bytes())
	return err
}

// block takes JSON's braces and quotes away where YAML needs none.
func block(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		n.Style = 0
	case yaml.ScalarNode:
		if n.Style == yaml.DoubleQuotedStyle {
			n.Style, n.Tag = 0, "!!str" // quotes come back where the text could be taken for something else
		}
		if strings.Contains(n.Value, "\n") {
			n.Style = yaml.LiteralStyle
		}
	}
	for _, child := range n.Content {
		block(child)
	}
}
