package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// conversion is a loop over one record between a connector and Kafka. Its name is that of the same loop in Conversions.java.
type conversion struct {
	name, title string
	// open makes ready and returns the loop's body.
	open func() (once func() error, err error)
}

// conversionTime is how much of a processor one round of a loop takes, however many others want it; Java has three times that, once, to warm up.
const conversionTime = time.Second

// cost is what one pass of a loop took.
type cost struct {
	wall, cpu float64 // nanoseconds; cpu is the process's, with its garbage collector
	bytes     float64 // allocated
	allocs    float64 // allocations; Java does not count them
}

// javaConversions are the same loops over Kafka Connect's own classes.
//
//go:embed Conversions.java
var javaConversions []byte

// measureConversions prints what each conversion costs here and with Java's classes, one after the other in one run.
func measureConversions(ctx context.Context, l *lab, rounds int) error {
	java, err := l.javaCosts(ctx, rounds)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(collectorPercent))
	}
	fmt.Printf("conversions of a record of ten fields, by Sluice and by Kafka Connect %s's classes, Avro by Apicurio's\n  %-38s %9s %9s %7s %7s   %9s %9s %8s   %s\n",
		testbed.KafkaVersion, "", "ns", "ns CPU", "allocs", "bytes", "Java ns", "ns CPU", "bytes", "Java's CPU / ours")
	for _, c := range conversions() {
		ours, err := c.measure(rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Printf("  %-38s %9.0f %9.0f %7.1f %7.0f", c.title, ours.wall, ours.cpu, ours.allocs, ours.bytes)
		if theirs, ok := java[c.name]; ok {
			fmt.Printf("   %9.0f %9.0f %8.0f   %.1fx", theirs.wall, theirs.cpu, theirs.bytes, theirs.cpu/ours.cpu)
		}
		fmt.Println()
	}
	fmt.Println()
	return nil
}

// measure runs a loop and returns its cheapest round: what disturbs a round only adds to it. Java is read the same way.
func (c conversion) measure(rounds int) (cost, error) {
	once, err := c.open()
	if err != nil {
		return cost{}, err
	}
	var best cost
	for range rounds {
		got, err := round(once)
		if err != nil {
			return cost{}, err
		}
		best = cheaper(best, got)
	}
	return best, nil
}

func cheaper(a, b cost) cost {
	if a.cpu == 0 || b.cpu < a.cpu {
		return b
	}
	return a
}

func round(once func() error) (cost, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began, n := processorTime(), time.Now(), 0
	for processorTime()-cpu < conversionTime {
		for range 100 {
			if err := once(); err != nil {
				return cost{}, err
			}
		}
		n += 100
	}
	wall, cpu := time.Since(began), processorTime()-cpu
	runtime.ReadMemStats(&after)
	per := func(v float64) float64 { return v / float64(n) }
	return cost{
		wall: per(float64(wall)), cpu: per(float64(cpu)), bytes: per(float64(after.TotalAlloc - before.TotalAlloc)),
		allocs: per(float64(after.Mallocs - before.Mallocs)),
	}, nil
}

// processorTime is what this process has taken so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// javaCosts runs Java's loops and reads what they print.
func (l *lab) javaCosts(ctx context.Context, rounds int) (map[string]cost, error) {
	jars, err := testbed.FetchKafka(ctx)
	if err != nil {
		return nil, err
	}
	apicurio, err := testbed.FetchConverters(ctx)
	if err != nil {
		return nil, err
	}
	registry, err := testbed.RunRegistry(ctx, filepath.Join(l.dir, "registry"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = registry.Stop() }() // ends with this process at the latest
	source := filepath.Join(l.dir, "Conversions.java")
	if err := os.WriteFile(source, javaConversions, 0o600); err != nil {
		return nil, fmt.Errorf("writing Java's loops: %w", err)
	}
	var stderr bytes.Buffer
	classes := filepath.Join(jars, "*") + string(filepath.ListSeparator) + filepath.Join(apicurio, "*")
	cmd := exec.CommandContext(ctx, l.java, "-Xmx512m", "-cp", classes, source, strconv.Itoa(rounds),
		strconv.FormatInt(conversionTime.Milliseconds(), 10), registry.Own)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running Java's loops: %w: %s", err, stderr.String())
	}
	costs := map[string]cost{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var c cost
		var name string
		if !bytes.HasPrefix(lines.Bytes(), []byte("cost ")) { // a log line
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "cost %s %f %f %f", &name, &c.wall, &c.cpu, &c.bytes); err != nil {
			return nil, fmt.Errorf("reading Java's figures from %q: %w", strings.TrimSpace(lines.Text()), err)
		}
		costs[name] = cheaper(costs[name], c)
	}
	return costs, nil
}

// reading is the record that is converted, in Conversions.java too.
var reading = connect.StructSchema("reading",
	connect.F("device", connect.StringSchema), connect.F("site", connect.StringSchema), connect.F("temp", connect.Float64Schema),
	connect.F("humidity", connect.Float64Schema), connect.F("count", connect.Int32Schema), connect.F("total", connect.Int64Schema),
	connect.F("ok", connect.BooleanSchema), connect.F("note", connect.OptionalStringSchema), connect.F("raw", connect.BytesSchema),
	connect.F("at", connect.TimestampSchema))

func readingValue() *connect.Struct {
	return connect.NewStruct(reading).
		Set("device", connect.String("sensor-000123")).Set("site", connect.String("hall 7, north")).Set("temp", connect.Float64(21.5)).
		Set("humidity", connect.Float64(47.25)).Set("count", connect.Int32(42)).Set("total", connect.Int64(1_234_567_890_123)).
		Set("ok", connect.Boolean(true)).Set("raw", connect.Bytes(make([]byte, 24))).Set("at", connect.Instant(1_700_000_000_000))
}

func conversions() []conversion {
	var all []conversion
	for _, schemas := range []bool{true, false} {
		name, title := "json", "JSON without schema"
		if schemas {
			name, title = "json-with-schema", "JSON with schema"
		}
		c := converters.NewJSON(converters.JSONOptions{Schemas: schemas})
		all = append(all,
			conversion{name + "-write", title + ", written", func() (func() error, error) { return write(c), nil }},
			conversion{name + "-read", title + ", read", func() (func() error, error) { return read(c) }})
	}
	return append(append(all, avroConversions()...),
		conversion{"transforms-with-schema", "five transforms, with schema", func() (func() error, error) {
			return transform(reading, connect.StructOf(readingValue()))
		}},
		conversion{"transforms", "five transforms, without schema", func() (func() error, error) { return transform(nil, readingMap()) }})
}

// chain are the transforms, in Conversions.java too.
var chain = []struct {
	class  string
	config connect.Config
}{
	{"org.apache.kafka.connect.transforms.InsertField$Value", connect.Config{"static.field": "plant", "static.value": "north"}},
	{"org.apache.kafka.connect.transforms.ReplaceField$Value", connect.Config{"exclude": "raw", "renames": "temp:celsius"}},
	{"org.apache.kafka.connect.transforms.Cast$Value", connect.Config{"spec": "count:int64,humidity:float32"}},
	{"ValueToKey", connect.Config{"fields": "device"}},
	{"RegexRouter", connect.Config{"regex": "(.*)-raw", "replacement": "$1"}},
}

// transform sends the reading through the chain, each time in the same slot, as a task's batch has them.
func transform(schema *connect.Schema, v connect.Value) (func() error, error) {
	classes, err := catalog.New(nil, nil)
	if err != nil {
		return nil, err
	}
	var all []connect.Transform
	for _, link := range chain {
		def, err := classes.Transform(link.class)
		if err != nil {
			return nil, err
		}
		t, err := def.New(link.config)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	var r connect.Record
	return func() error {
		r = connect.Record{Topic: "readings-raw", Partition: connect.NoPartition, Timestamp: 1_700_000_000_000, Value: v, ValueSchema: schema}
		for _, t := range all {
			if _, err := t.Apply(&r); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// readingMap is the reading without schema.
func readingMap() connect.Value {
	st := readingValue()
	m := connect.NewMap(len(reading.Fields()))
	for i, f := range reading.Fields() {
		m.Put(connect.String(f.Name), st.At(i))
	}
	return connect.MapOf(m)
}

// collectorPercent leaves the garbage collector of a process that keeps next to nothing alive 16 MiB between its runs, which is what a worker gives its own.
const collectorPercent = 400

// batch is how many records share an arena's memory, as in a task.
const batch = 1024

// write encodes the reading as a task does, batch by batch.
func write(c converters.Converter) func() error {
	var room converters.Arena
	v, n := connect.StructOf(readingValue()), 0
	return func() error {
		if n++; n%batch == 0 {
			room.Reset()
		}
		_, err := c.Encode(&room, "t", reading, v)
		return err
	}
}

// read decodes what the same converter has written.
func read(c converters.Converter) (func() error, error) {
	data, err := c.Encode(&converters.Arena{}, "t", reading, connect.StructOf(readingValue()))
	if err != nil {
		return nil, err
	}
	return func() error {
		_, _, err := c.Decode("t", data)
		return err
	}, nil
}
