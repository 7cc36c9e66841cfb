package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
)

// change is a command that does one thing to each of the connectors named.
type change struct {
	cobra.Command
	done string // "paused"
	// do changes a connector, and returns what there is to add to the word done.
	do func(ctx context.Context, c *client.Client, name string) (string, error)
	// asks is what to ask before all connectors are changed; "" for nothing.
	asks string
}

// command adds what all such commands have: names, --all, and one line for each connector that was changed.
func (s *session) command(ch *change) *cobra.Command {
	var all, yes bool
	cmd := &ch.Command
	cmd.GroupID = groupChange
	cmd.ValidArgsFunction = s.completeNames
	cmd.RunE = coded(func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && !all {
			return errors.New("name one or more connectors, or say --all")
		}
		c, err := s.client(cmd)
		if err != nil {
			return err
		}
		names, err := chosen(cmd.Context(), c, args, all)
		if err != nil {
			return err
		}
		if all && ch.asks != "" && len(names) > 0 {
			if err := confirm(cmd, fmt.Sprintf("%s all %d connectors of %s", ch.asks, len(names), c.URL()), yes); err != nil {
				return err
			}
		}
		page := newScreen(cmd.OutOrStdout())
		var errs []error
		for _, name := range names {
			more, err := ch.do(cmd.Context(), c, name)
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
				continue
			}
			page.printf("%s %s%s\n", ch.done, name, more)
		}
		return errors.Join(errs...)
	})
	cmd.Flags().BoolVar(&all, "all", false, "all connectors of the cluster")
	if ch.asks != "" {
		cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	}
	return cmd
}

// plainly is a change of which there is no more to say.
func plainly(do func(c *client.Client, ctx context.Context, name string) error) func(context.Context, *client.Client, string) (string, error) {
	return func(ctx context.Context, c *client.Client, name string) (string, error) { return "", do(c, ctx, name) }
}

func (s *session) pauseCommand() *cobra.Command {
	return s.command(&change{done: "paused", do: plainly((*client.Client).Pause), Command: cobra.Command{
		Use: "pause NAME ...", Short: "Have connectors wait; their tasks keep what they hold",
		Long: "Have connectors wait. Their tasks stay, with their connections and their shares of partitions, and do nothing until `sluice resume`.\n\n" + exitCodes,
		Example: `  sluice pause sensors
  sluice pause --all`,
	}})
}

func (s *session) resumeCommand() *cobra.Command {
	return s.command(&change{done: "resumed", do: plainly((*client.Client).Resume), Command: cobra.Command{
		Use: "resume NAME ...", Short: "Let connectors go on that were paused or stopped",
		Long: "Let connectors go on that were paused or stopped.\n\n" + exitCodes,
		Example: `  sluice resume sensors
  sluice resume --all`,
	}})
}

func (s *session) stopCommand() *cobra.Command {
	var wait bool
	var timeout time.Duration
	ch := &change{done: "stopped", asks: "stop", Command: cobra.Command{
		Use: "stop NAME ...", Short: "End the tasks of connectors; their configurations and offsets stay",
		Long: "End the tasks of connectors. Configurations and offsets stay, and the offsets can be changed then (`sluice offsets`); `sluice resume` starts them again.\n\n" + exitCodes,
		Example: `  sluice stop sensors
  sluice stop sensors --wait && sluice offsets reset sensors --yes && sluice resume sensors`,
	}}
	ch.do = func(ctx context.Context, c *client.Client, name string) (string, error) {
		err := c.Stop(ctx, name)
		if err == nil && wait {
			err = newSettling(timeout).awaitStopped(ctx, c, name)
		}
		return "", err
	}
	cmd := s.command(ch)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the tasks have ended")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long --wait waits for each connector")
	return cmd
}

func (s *session) restartCommand() *cobra.Command {
	var (
		tasks, failed bool
		task          int
	)
	ch := &change{done: "restarted", Command: cobra.Command{
		Use: "restart NAME ...", Short: "Start connectors anew: the instance, and its tasks if asked for",
		Long: `Start connectors anew. As in Kafka Connect that is the connector's instance alone, and its tasks go on, unless --include-tasks is said; --only-failed leaves
what has not failed in peace.

` + exitCodes,
		Example: `  sluice restart sensors --include-tasks
  sluice restart --all --include-tasks --only-failed
  sluice restart sensors --task 2`,
	}}
	ch.do = func(ctx context.Context, c *client.Client, name string) (string, error) {
		if task >= 0 {
			return fmt.Sprintf(" task %d", task), c.RestartTask(ctx, name, task)
		}
		plan, err := c.Restart(ctx, name, tasks, failed)
		switch {
		case err != nil:
			return "", err
		case plan == nil:
			return " (its tasks go on: --include-tasks restarts them, too)", nil
		}
		restarted := 0
		for _, t := range plan.Tasks {
			if t.State == "RESTARTING" {
				restarted++
			}
		}
		instance := "not the instance"
		if plan.Connector.State == "RESTARTING" {
			instance = "the instance"
		}
		return fmt.Sprintf(" (%s, %d of %d tasks)", instance, restarted, len(plan.Tasks)), nil
	}
	cmd := s.command(ch)
	cmd.Flags().BoolVar(&tasks, "include-tasks", false, "its tasks, too")
	cmd.Flags().BoolVar(&failed, "only-failed", false, "only what has failed")
	cmd.Flags().IntVar(&task, "task", -1, "only this task")
	cmd.MarkFlagsMutuallyExclusive("task", "include-tasks")
	cmd.MarkFlagsMutuallyExclusive("task", "only-failed")
	cmd.MarkFlagsMutuallyExclusive("task", "all")
	return cmd
}

func (s *session) deleteCommand() *cobra.Command {
	return s.command(&change{done: "deleted", asks: "delete", do: plainly((*client.Client).Delete), Command: cobra.Command{
		Use: "delete NAME ...", Short: "Delete connectors; their offsets stay, for one of the same name",
		Long: `Delete connectors. Their offsets stay: a connector that is created with the same name goes on where this one was. To forget them, stop the connector and
say ` + "`sluice offsets reset`" + ` before.

` + exitCodes,
		Example: `  sluice delete sensors lake
  sluice delete --all --yes`,
	}})
}
