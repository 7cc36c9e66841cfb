package remote

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sluice-connect/sluice/api/client"
)

// The groups under which help lists commands.
const (
	groupChange = "change"
	groupLook   = "look"
	groupSetUp  = "set-up"
)

// Groups are those of this package's commands, in the order of help.
func Groups() []*cobra.Group {
	return []*cobra.Group{
		{ID: groupLook, Title: "Look at a cluster, Sluice's or Java's:"},
		{ID: groupChange, Title: "Change it:"},
		{ID: groupSetUp, Title: "Say which cluster:"},
	}
}

// session is what all commands of one run of the program share.
type session struct{ target target }

// Commands are all commands of this package, in the order in which help lists them.
func Commands() []*cobra.Command {
	s := new(session)
	all := []*cobra.Command{
		s.applyCommand(), s.validateCommand(), s.getCommand(), s.describeCommand(), s.statusCommand(), s.topCommand(),
		s.pauseCommand(), s.resumeCommand(), s.stopCommand(), s.restartCommand(), s.deleteCommand(),
		s.offsetsCommand(), s.dlqCommand(), s.pluginsCommand(), s.loggersCommand(), s.clusterCommand(),
	}
	for _, cmd := range all {
		s.target.register(cmd)
	}
	return append(all, contextCommand())
}

// client asks the worker that is meant. Who has to type a password is asked for it.
func (s *session) client(cmd *cobra.Command) (*client.Client, error) {
	if c, err := s.target.resolve(); err == nil && exposed(c) {
		fmt.Fprintf(cmd.ErrOrStderr(), "sluice: the password goes to %s in clear: https would hide it\n", c.Server)
	}
	return s.target.client(cmd.Context(), askTerminal)
}

// completionPatience bounds what a press of the tab key may take.
const completionPatience = time.Second

// completeNames completes the names of connectors that are not there yet, by asking the cluster.
func (s *session) completeNames(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return s.complete(cmd, func(ctx context.Context, c *client.Client) ([]string, error) {
		names, err := c.Names(ctx)
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) }), err
	})
}

// completeName completes one name of a connector.
func (s *session) completeName(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return s.completeNames(cmd, args, begun)
}

func (s *session) complete(cmd *cobra.Command, list func(context.Context, *client.Client) ([]string, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	c, err := s.target.client(ctx, nil)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := list(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// confirm asks whether to do what cannot be undone. Where nobody can be asked, --yes has to be said.
func confirm(cmd *cobra.Command, what string, yes bool) error {
	if yes {
		return nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return fmt.Errorf("this would %s: say --yes", what)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s? [y/N] ", what)
	answers := make(chan string, 1)
	go func() { // ends with the program where nobody types
		line, _ := bufio.NewReader(in).ReadString('\n')
		answers <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-answers:
		if answer == "y" || answer == "yes" {
			return nil
		}
		return &Error{exitFailed, fmt.Errorf("nothing was done")}
	case <-cmd.Context().Done():
		return context.Cause(cmd.Context())
	}
}

// chosen are the connectors that a command is about: those named, or all.
func chosen(ctx context.Context, c *client.Client, names []string, all bool) ([]string, error) {
	switch {
	case all && len(names) > 0:
		return nil, fmt.Errorf("--all: leave it or the names away")
	case !all && len(names) == 0:
		return nil, fmt.Errorf("name one or more connectors, or say --all")
	case !all:
		return names, nil
	}
	names, err := c.Names(ctx)
	slices.Sort(names)
	return names, err
}

// sorted are the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// firstLine is that of a text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
