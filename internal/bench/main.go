// Command bench measures Sluice beside the thinnest loops over the same two libraries that give the same guarantee: acknowledged by Kafka, in
// order, or by the MQTT broker before offsets are committed.
// Every arm is a process of its own against one real Kafka and one real mosquitto, so that processor time and memory are the arm's alone; arms
// alternate, and the medians are quoted. Machines are noisy: compare within one run, and read the ratios.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// record is the size of a record's value in bytes.
const record = 256

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if filepath.Base(os.Args[0]) == pluginName {
		servePlugin()
	}
	if len(os.Args) > 1 && os.Args[1] == "thin" {
		exit(thin(ctx, os.Args[2:]))
		return
	}
	records := flag.Int("records", 400_000, "records an arm carries")
	rounds := flag.Int("rounds", 3, "runs of each arm")
	only := flag.String("only", "", "what to measure: one of "+strings.Join(measured(), ", ")+"; default all")
	flag.Parse()
	exit(run(ctx, *records, *rounds, *only))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// conversionsName is what -only calls the table of conversions.
const conversionsName = "conversions"

// measured are the names of all tables.
func measured() []string {
	names := []string{conversionsName, mosquittoName, latencyName}
	for _, f := range flows() {
		names = append(names, f.name)
	}
	return names
}

// run prints a table for the conversions and one for each flow, or for the one that is named.
func run(ctx context.Context, records, rounds int, only string) error {
	if only != "" && !slices.Contains(measured(), only) {
		return fmt.Errorf("-only %s: there are %s", only, strings.Join(measured(), ", "))
	}
	lab, err := openLab(records)
	if err != nil {
		return err
	}
	defer lab.close()
	fmt.Printf("%d records of %d bytes an arm, median of %d rounds, %s/%s, %d processors\n\n", records, record, rounds, runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU())
	if only == "" || only == conversionsName {
		if err := measureConversions(ctx, lab, rounds); err != nil {
			return fmt.Errorf("%s: %w", conversionsName, err)
		}
	}
	if only == conversionsName {
		return nil
	}
	if err := lab.serve(ctx); err != nil {
		return err
	}
	if only == "" || only == mosquittoName {
		if err := lab.measureMosquitto(ctx); err != nil {
			return fmt.Errorf("%s: %w", mosquittoName, err)
		}
	}
	if only == "" || only == latencyName {
		if err := lab.measureLatency(ctx); err != nil {
			return fmt.Errorf("%s: %w", latencyName, err)
		}
	}
	for _, f := range flows() {
		if only != "" && only != f.name {
			continue
		}
		if err := f.measure(ctx, lab, rounds); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// measure runs the arms of a flow in turn and prints what they took. The thin loops come first.
func (f flow) measure(ctx context.Context, l *lab, rounds int) error {
	taken := make([][]figures, len(f.arms))
	for round := range rounds {
		for i, a := range f.arms {
			got, err := l.run(ctx, f, a, fmt.Sprintf("%s-%d-%d", f.name, i, round))
			if err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
			taken[i] = append(taken[i], got)
		}
	}
	fmt.Printf("%s\n  %-34s %12s %14s %10s\n", f.title, "", "records/s", "us CPU/record", "peak MiB")
	var medians []figures
	for i, a := range f.arms {
		m := median(taken[i])
		medians = append(medians, m)
		fmt.Printf("  %-34s %12.0f %14.2f %10.0f\n", a.name, m.rate, m.cpu, m.peak)
	}
	beside, loops := "the thinnest", slices.IndexFunc(f.arms, func(a arm) bool { return a.thin == nil })
	if loops == 0 { // the same twice
		beside, loops = "the one "+f.arms[0].name, 1
	}
	best := slices.MinFunc(medians[:loops], func(a, b figures) int { return int(1000 * (a.cpu - b.cpu)) })
	for i := loops; i < len(f.arms); i++ {
		fmt.Printf("  %s beside %s: %.2fx the CPU, %.2fx the records/s\n", f.arms[i].name, beside, medians[i].cpu/best.cpu, medians[i].rate/best.rate)
	}
	fmt.Println()
	return nil
}

// figures are what one run of an arm took.
type figures struct {
	rate float64 // records per second, from a tenth of them to all
	cpu  float64 // microseconds of processor time per record, start and stop of the process and of its plugin's included
	peak float64 // MiB resident at most
}

// median takes each figure's own.
func median(all []figures) figures {
	pick := func(of func(figures) float64) float64 {
		values := make([]float64, 0, len(all))
		for _, f := range all {
			values = append(values, of(f))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return figures{
		rate: pick(func(f figures) float64 { return f.rate }),
		cpu:  pick(func(f figures) float64 { return f.cpu }),
		peak: pick(func(f figures) float64 { return f.peak }),
	}
}

// armTimeout bounds one run.
const armTimeout = time.Minute
