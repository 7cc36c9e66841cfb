package migration

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Write shows a report as a page.
func (r *Report) Write(out io.Writer) {
	fmt.Fprintf(out, "group %s\n\n", r.Group)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range r.Topics {
		state := "can be read"
		if t.Problem != "" {
			state = t.Problem
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", t.Key, t.Name, state)
	}
	_ = table.Flush() // where out cannot be written to, nobody reads an error either
	if len(r.Worker) > 0 {
		fmt.Fprint(out, "\nthe worker's properties\n")
		findings(out, r.Worker)
	}
	if len(r.Connectors) > 0 {
		fmt.Fprintln(out)
		table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "CONNECTOR\tCLASS\tTARGET\tTASKS\tLAST STATE\tOFFSETS\tHERE")
		for _, c := range r.Connectors {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", c.Name, c.Class, c.Target, c.Tasks, c.LastState, c.Offsets, c.verdict())
		}
		_ = table.Flush()
	}
	for _, c := range r.Connectors {
		if len(c.Findings) > 0 {
			fmt.Fprintf(out, "\n%s: %s\n", c.Name, c.summary())
			findings(out, c.Findings)
		}
	}
	fmt.Fprintf(out, "\n%s\n", r.verdict())
}

func (c Connector) verdict() string {
	switch {
	case !c.Runs:
		return "no"
	case len(c.Findings) > 0:
		return "yes, see below"
	}
	return "yes"
}

func (c Connector) summary() string {
	if c.Runs {
		return fmt.Sprintf("would run here; of its %d keys these differ", c.Keys)
	}
	return "would not run here"
}

func findings(out io.Writer, all []Finding) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", f.Weight, f.Key, f.Reason)
	}
	_ = table.Flush() // as above
}

func (r *Report) verdict() string {
	text := fmt.Sprintf("%d of %d connectors would run here.", r.Ready(), len(r.Connectors))
	if r.Blocked() {
		text += " The worker itself would not start: see what blocks it above."
	}
	return text
}
