package wire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-connect/sluice/connect"
)

const benchRecords = 1000

func fill(b *connect.Batch, kind string, p *connect.Partition) {
	b.Reset()
	text := strings.Repeat("x", 256)
	schema := connect.StructSchema("reading", connect.F("id", connect.Int64Schema), connect.F("device", connect.StringSchema), connect.F("at", connect.Int64Schema),
		connect.F("value", connect.Float64Schema), connect.F("ok", connect.BooleanSchema), connect.F("note", connect.OptionalStringSchema))
	var slab connect.Slab
	for i := range benchRecords {
		r := b.Next("readings", p, connect.At("position", int64(1_000_000+i*256)))
		switch kind {
		case "string", "headers":
			r.SetString(text)
		case "struct":
			s := slab.Struct(schema)
			s.SetAt(0, connect.Int64(int64(i)))
			s.SetAt(1, connect.String("device-17"))
			s.SetAt(2, connect.Int64(1_700_000_000_000))
			s.SetAt(3, connect.Float64(21.5))
			s.SetAt(4, connect.Boolean(true))
			r.SetStruct(s)
		}
		if kind == "headers" {
			for h := range 3 {
				r.Header(fmt.Sprint("header", h), connect.StringSchema, connect.String("some value"))
			}
		}
	}
}

var benchKinds = []string{"string", "struct", "headers"}

func BenchmarkSource(b *testing.B) {
	for _, kind := range benchKinds {
		var parts, there connect.Partitions
		in := connect.NewBatch(benchRecords, 1<<20)
		fill(in, kind, parts.Intern(connect.Strings("filename", "/var/log/messages")...))
		b.Run("encode/"+kind, func(b *testing.B) {
			var enc SourceEncoder
			b.ReportAllocs()
			since := cpu()
			for b.Loop() {
				for _, out := range enc.Encode(in, nil) {
					bodies.Put(out.body)
				}
			}
			perRecord(b, since)
		})
		b.Run("decode/"+kind, func(b *testing.B) {
			var enc SourceEncoder
			dec := NewSourceDecoder(there.Intern)
			var f FromSource
			across(b, enc.Encode(in, nil)[0], &f)
			out := connect.NewBatch(benchRecords, 1<<20)
			if _, err := dec.Decode(f.Batch, out); err != nil {
				b.Fatal(err)
			}
			across(b, enc.Encode(in, nil)[0], &f)
			b.ReportAllocs()
			since := cpu()
			for b.Loop() {
				out.Reset()
				if _, err := dec.Decode(f.Batch, out); err != nil {
					b.Fatal(err)
				}
			}
			perRecord(b, since)
		})
	}
}

// cpu is the processor time that the process has used.
func cpu() time.Duration {
	var used unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// perRecord reports processor time, which neighbours on the machine disturb less than the clock.
func perRecord(b *testing.B, since time.Duration) {
	b.ReportMetric(float64((cpu()-since).Nanoseconds())/float64(b.N)/benchRecords, "cpu-ns/record")
}

func BenchmarkPut(b *testing.B) {
	for _, kind := range benchKinds {
		in := connect.NewBatch(benchRecords, 1<<20)
		fill(in, kind, nil)
		records := make([]connect.SinkRecord, benchRecords)
		for i := range records {
			r := &records[i]
			r.Record = in.Records()[i].Record
			r.Partition, r.Offset, r.Timestamp, r.TimestampType = 3, int64(1_000_000+i), 1_700_000_000_000, connect.CreateTime
			r.Consumed = connect.TopicPartition{Topic: r.Topic, Partition: 3}
		}
		b.Run("encode/"+kind, func(b *testing.B) {
			var enc PutEncoder
			b.ReportAllocs()
			since := cpu()
			for b.Loop() {
				out, _, _ := enc.Encode(1, records)
				bodies.Put(out.body)
			}
			perRecord(b, since)
		})
		b.Run("decode/"+kind, func(b *testing.B) {
			var enc PutEncoder
			var dec PutDecoder
			var f ToSink
			out, _, _ := enc.Encode(1, records)
			across(b, out, &f)
			if _, _, err := dec.Decode(f.Put); err != nil {
				b.Fatal(err)
			}
			out, _, _ = enc.Encode(2, records)
			across(b, out, &f)
			b.ReportAllocs()
			since := cpu()
			for b.Loop() {
				if _, _, err := dec.Decode(f.Put); err != nil {
					b.Fatal(err)
				}
			}
			perRecord(b, since)
		})
	}
}

func BenchmarkReceipts(b *testing.B) {
	var parts, there connect.Partitions
	p := parts.Intern(connect.Strings("filename", "/var/log/messages")...)
	in := connect.NewBatch(benchRecords, 1<<20)
	fill(in, "string", p)
	enc := SourceEncoder{Ledger: new(Ledger)}
	dec := NewSourceDecoder(there.Intern)
	done := make([]connect.Receipt, benchRecords)
	var f FromSource
	across(b, enc.Encode(in, nil)[0], &f)
	out := connect.NewBatch(benchRecords, 1<<20)
	if _, err := dec.Decode(f.Batch, out); err != nil {
		b.Fatal(err)
	}
	for i, r := range out.Records() {
		done[i] = connect.Receipt{Source: r.Source, Offset: r.Offset, Topic: "readings", KafkaPartition: int32(i / 100), KafkaOffset: int64(5000 + i)}
	}
	b.ReportAllocs()
	since := cpu()
	for b.Loop() {
		msg := dec.Receipts(done)
		got, err := enc.Ledger.Expand(*msg.body)
		if err != nil || len(got) != benchRecords {
			b.Fatal(err)
		}
		bodies.Put(msg.body)
		enc.Ledger.sent(&enc, in.Records())
	}
	perRecord(b, since)
}
