package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect/herder"
)

// clusterOptions are the flags of `sluice cluster`.
type clusterOptions struct {
	url    string
	output string
	watch  bool
}

func clusterCommand() *cobra.Command {
	var o clusterOptions
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Show the workers of a cluster, what each runs, and the last rebalance",
		Long: `Show the workers of a cluster, what each runs, what waits and until when, and the last rebalance: who joined, who left, what moved and why.

Any worker may be asked. Java's workers do not tell as much: of a cluster that one of them leads, what statuses say is shown.`,
		Example: `  sluice cluster
  sluice cluster --watch
  sluice cluster --url http://connect-1:8083 -o wide
  sluice cluster -o json | jq '.members[].url'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	registerURL(cmd, &o.url)
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "json, or wide for all connectors and tasks by name")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "show it again every second until Ctrl-C")
	return cmd
}

// registerURL adds the flag that says which worker to ask.
func registerURL(cmd *cobra.Command, to *string) {
	url := os.Getenv("SLUICE_URL")
	if url == "" {
		url = "http://127.0.0.1:8083"
	}
	cmd.Flags().StringVar(to, "url", url, "a worker's REST API (environment: SLUICE_URL)")
}

func (o clusterOptions) run(ctx context.Context, out io.Writer) error {
	if o.output != "" && o.output != "json" && o.output != "wide" {
		return fmt.Errorf("--output: %q is none of json and wide", o.output)
	}
	c, err := client.New(o.url)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	if !o.watch {
		return o.show(ctx, c, out)
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		var page strings.Builder
		if err := o.show(ctx, c, &page); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			page.WriteString(err.Error() + "\n") // the worker may come back, and that is what is watched for
		}
		fmt.Fprint(out, clearScreen(out)+page.String())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// clearScreen is what brings a terminal to an empty screen; on anything else a line keeps the pages apart.
func clearScreen(out io.Writer) string {
	if f, ok := out.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		return "\x1b[H\x1b[2J"
	}
	return "\n"
}

func (o clusterOptions) show(ctx context.Context, c *client.Client, out io.Writer) error {
	info, err := c.Cluster(ctx)
	if err != nil {
		return fmt.Errorf("%w (--url says which worker to ask)", err)
	}
	if o.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(info)
	}
	writeCluster(out, info, time.Now(), o.output == "wide")
	return nil
}

// writeCluster shows a cluster as a page.
func writeCluster(out io.Writer, info *herder.ClusterInfo, now time.Time, wide bool) {
	if info.Source == "statuses" {
		fmt.Fprint(out, "As statuses tell, for the leader is no Sluice worker or cannot be asked: who last spoke for what, workers without work are not listed.\n\n")
	} else {
		fmt.Fprintf(out, "leader      %s, %s, generation %d, configuration read to offset %d\n", info.Leader, info.Protocol, info.Generation, info.ConfigOffset)
		fmt.Fprintf(out, "rebalanced  %s\n", lastRebalance(info, now))
	}
	if len(info.Waiting) > 0 {
		fmt.Fprintf(out, "waiting     %s\n", waiting(info, now, wide))
	}
	if info.Source != "statuses" || len(info.Waiting) > 0 {
		fmt.Fprintln(out)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WORKER\tCONNECTORS\tTASKS\tWHAT")
	for _, m := range info.Members {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\n", m.URL, len(m.Connectors), len(m.Tasks), listed(append(append([]string{}, m.Connectors...), m.Tasks...), wide))
	}
	_ = table.Flush() // where out cannot be written to, nobody reads an error either
}

// lastRebalance is when it was, how long it took, who came and went, what moved and why.
func lastRebalance(info *herder.ClusterInfo, now time.Time) string {
	parts := []string{now.Sub(info.At).Round(time.Second).String() + " ago"}
	if info.Took != "" {
		parts = append(parts, "in "+info.Took)
	}
	if len(info.Joined) > 0 {
		parts = append(parts, "joined: "+strings.Join(info.Joined, " "))
	}
	if len(info.Left) > 0 {
		parts = append(parts, "left: "+strings.Join(info.Left, " "))
	}
	parts = append(parts, fmt.Sprintf("%d moved", info.Moved))
	text := strings.Join(parts, ", ")
	if info.Reason != "" {
		text += " (" + info.Reason + ")"
	}
	return text
}

// waiting is what runs nowhere, and until when.
func waiting(info *herder.ClusterInfo, now time.Time, wide bool) string {
	text := fmt.Sprintf("%d run nowhere", len(info.Waiting))
	if info.Scheduled != nil && info.Scheduled.After(now) {
		text += fmt.Sprintf(", for another %v, in case that their worker comes back (scheduled.rebalance.max.delay.ms)", info.Scheduled.Sub(now).Round(time.Second))
	}
	return text + ": " + listed(info.Waiting, wide)
}

// listedCount is how many names are shown where not all are wanted.
const listedCount = 6

func listed(names []string, all bool) string {
	if more := len(names) - listedCount; more > 0 && !all {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:listedCount], " "), more)
	}
	return strings.Join(names, " ")
}
