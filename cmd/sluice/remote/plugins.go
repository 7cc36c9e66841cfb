package remote

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
)

func (s *session) pluginsCommand() *cobra.Command {
	var (
		out output
		all bool
	)
	cmd := &cobra.Command{
		Use:     "plugins [CLASS]",
		Short:   "List the classes that a worker has, or the keys of one",
		GroupID: groupLook,
		Long: `List the connectors that the worker has, with --all its transforms, predicates and converters too; or the keys of one class, with their defaults and, with
-o wide, what they are for.

` + exitCodes,
		Example: `  sluice plugins --all
  sluice plugins MqttSource
  sluice plugins MqttSource -o wide | less
  sluice plugins -o json | jq -r '.[].class'`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return s.complete(cmd, func(ctx context.Context, c *client.Client) (classes []string, err error) {
				plugins, err := c.Plugins(ctx, false)
				for _, p := range plugins {
					classes = append(classes, p.Class)
				}
				return classes, err
			})
		},
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return listKeys(cmd, c, args[0], out)
			}
			plugins, err := c.Plugins(cmd.Context(), !all)
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				return out.write(page, plugins)
			}
			rows := new(table)
			rows.row("TYPE", "CLASS", "VERSION")
			for _, p := range plugins {
				rows.row(string(p.Type), p.Class, p.Version)
			}
			rows.write(page, "")
			return nil
		}),
	}
	out.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "transforms, predicates and converters, too")
	return cmd
}

func listKeys(cmd *cobra.Command, c *client.Client, class string, out output) error {
	keys, err := c.PluginConfig(cmd.Context(), class)
	if err != nil {
		return err
	}
	page := newScreen(cmd.OutOrStdout())
	if out.document() {
		return out.write(page, keys)
	}
	rows := new(table)
	rows.row("KEY", "TYPE", "DEFAULT", "IMPORTANCE")
	for _, key := range keys {
		fallback := cell{"required", yellow}
		if !key.Required {
			fallback = cell{text: "-"}
			if key.DefaultValue != nil {
				fallback.text = oneLine(*key.DefaultValue)
			}
		}
		if out == asWide {
			page.printf("%s  %s, %s, %s\n", page.paint(bold, key.Name), strings.ToLower(key.Type), fallback.text, strings.ToLower(key.Importance))
			for _, line := range wrapped(key.Documentation, wrapWidth) {
				page.printf("    %s\n", line)
			}
			continue
		}
		rows.row(key.Name, strings.ToLower(key.Type), fallback, strings.ToLower(key.Importance))
	}
	if out != asWide {
		rows.write(page, "")
	}
	return nil
}

// wrapWidth is how long a line of a documentation gets.
const wrapWidth = 100

// wrapped breaks a text into lines.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
