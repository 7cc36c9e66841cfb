package migration

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Write shows a report as a page. Where out cannot be written to, nobody reads an error either.
func (r *Report) Write(out io.Writer) {
	fmt.Fprintf(out, "Kafka     %s\n", r.Kafka)
	for _, b := range r.Kafka.Brokers {
		if b.Problem != "" {
			fmt.Fprintf(out, "          broker %d at %s: %s\n", b.ID, b.Address, b.Problem)
		}
	}
	fmt.Fprintf(out, "group.id  %s\n\n", r.Group)
	r.writeTopics(out)
	fmt.Fprintf(out, "\nThe worker's properties, %s\n", count(len(r.Worker), "key"))
	writeFindings(out, r.Worker)
	if len(r.Connectors) > 0 {
		fmt.Fprintln(out)
		r.writeConnectors(out)
	}
	for _, c := range r.Connectors {
		fmt.Fprintf(out, "\n%s: %s\n", c.Name, c.summary())
		writeFindings(out, c.Keys)
	}
	fmt.Fprintf(out, "\n%s\n", r.Conclusion())
}

// Conclusion is the verdict in a line.
func (r *Report) Conclusion() string {
	text := fmt.Sprintf("%d of %s would run here", r.Runnable, count(len(r.Connectors), "connector"))
	switch r.Verdict {
	case Untold:
		return text + ": the config topic holds nothing to judge, check config.storage.topic and bootstrap.servers"
	case Blocked:
		return text + ", but the worker itself would not start: see what blocks it above"
	}
	return text
}

func (k Kafka) String() string {
	text := fmt.Sprintf("%s, cluster %s, %s", strings.Join(k.Bootstrap, ","), k.ClusterID, count(len(k.Brokers), "broker"))
	away := 0
	for _, b := range k.Brokers {
		if b.Problem != "" {
			away++
		}
	}
	if away > 0 {
		return fmt.Sprintf("%s, %d of them out of reach", text, away)
	}
	return text + " within reach"
}

func (g Group) String() string {
	switch {
	case g.Problem != "":
		return g.ID + ": " + g.Problem
	case g.State == "":
		return g.ID
	case g.Members == 0:
		return g.ID + ", nobody in it: the cluster is stopped"
	}
	return fmt.Sprintf("%s, %s in it: the cluster is running (%s)", g.ID, count(g.Members, "worker"), g.State)
}

func (r *Report) writeTopics(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tTOPIC\tPARTITIONS\tCLEANUP\tRECORDS\tSTATE")
	for _, t := range r.Topics {
		partitions, records := fmt.Sprint(t.Partitions), fmt.Sprint(t.Records)
		if !t.There {
			partitions, records = "-", "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Key, t.Name, partitions, cmp.Or(t.Policy, "-"), records, t.state())
	}
	_ = table.Flush()
}

func (t Topic) state() string {
	var parts []string
	if t.Problem != "" {
		parts = append(parts, t.Problem)
	}
	if t.Ignored > 0 {
		parts = append(parts, fmt.Sprintf("%s that no worker understands (--log-level warn names them)", count(t.Ignored, "record")))
	}
	return cmp.Or(strings.Join(parts, "; "), "good")
}

func (r *Report) writeConnectors(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONNECTOR\tTYPE\tTARGET\tTASKS\tLAST STATE\tOFFSETS\tHERE")
	for _, c := range r.Connectors {
		state := c.Status.String()
		if c.Status == nil && !r.Topics[statusTopic].There {
			state = "unknown"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", c.Name, c.Type, c.Target, c.Tasks, state, c.Offsets, c.here())
	}
	_ = table.Flush()
}

func (s *Status) String() string {
	if s == nil {
		return "none"
	}
	text, before := string(s.Connector), ", tasks "
	for _, state := range slices.SortedFunc(maps.Keys(s.Tasks), func(a, b stores.State) int { return strings.Compare(string(a), string(b)) }) {
		text += fmt.Sprintf("%s%d %s", before, s.Tasks[state], state)
		before = ", "
	}
	return text
}

func (o Offsets) String() string {
	switch {
	case o.Problem != "":
		return "unknown: " + o.Problem
	case o.Group != "" && o.Count == 0:
		return "none in group " + o.Group
	case o.Group != "":
		return fmt.Sprintf("%d in group %s", o.Count, o.Group)
	case o.Unreadable > 0:
		return fmt.Sprintf("%d stored, %d unreadable", o.Count, o.Unreadable)
	case o.Count == 0:
		return "none"
	}
	return fmt.Sprintf("%d stored", o.Count)
}

func (c Connector) here() string {
	switch {
	case !c.Runs:
		return "no"
	case len(c.Keys) > 0 && c.Keys[0].Weight == Missing:
		return "yes, but"
	}
	return "yes"
}

func (c Connector) summary() string {
	text := "would not run here"
	if c.Runs {
		text = "would run here"
	}
	if c.Here != "" && c.Here != c.Class {
		return fmt.Sprintf("%s is %s, %s", c.Class, c.Here, text)
	}
	return c.Class + ", " + text
}

// lineWidth is where lists of keys are broken.
const lineWidth = 110

// writeFindings has a line for each key with a reason, and one paragraph of the others for each weight.
func writeFindings(out io.Writer, all []Finding) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	silent := map[Weight][]string{}
	for _, f := range all {
		if f.Reason == "" {
			silent[f.Weight] = append(silent[f.Weight], f.Key)
			continue
		}
		fmt.Fprintf(table, "  %-8s\t%s\t%s\n", f.Weight, f.Key, f.Reason)
	}
	_ = table.Flush()
	for _, w := range weights {
		line := ""
		for i, key := range silent[w] {
			if i < len(silent[w])-1 {
				key += ","
			}
			if line != "" && len(line)+len(key) >= lineWidth {
				fmt.Fprintln(out, line)
				line = ""
			}
			if line == "" {
				line = fmt.Sprintf("  %-8s ", w)
				if i > 0 {
					line = strings.Repeat(" ", 11)
				}
			}
			line += " " + key
		}
		if line != "" {
			fmt.Fprintln(out, line)
		}
	}
}

// count is a number with what is counted.
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
