package wire

import "github.com/sluice-connect/sluice/connect"

// Number is the number of a source partition in the stream; 0 for none, and for one that the plugin has not mentioned.
func (d *SourceDecoder) Number(p *connect.Partition) uint32 { return number32(d.numbers(), p) }

// numbers are the numbers by Index at present.
func (d *SourceDecoder) numbers() []uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byIndex
}

func number32(numbers []uint32, p *connect.Partition) uint32 {
	if p == nil || p.Index() >= len(numbers) {
		return 0
	}
	return numbers[p.Index()]
}

// Receipts returns ToSource{receipts}: what was done, condensed into runs of records that lie one behind the other in Kafka too. It shares nothing with done.
func (d *SourceDecoder) Receipts(done []connect.Receipt) *Outgoing {
	numbers := d.numbers()
	body := bodies.take()
	buf := *body
	for i := 0; i < len(done); {
		n := 1
		for i+n < len(done) && follows(&done[i], &done[i+n], int64(n)) {
			n++
		}
		buf = d.run(buf, number32(numbers, done[i].Source), n, &done[i])
		i += n
	}
	*body = buf
	return &Outgoing{head: framed(0x1a, nil, len(buf)), body: body}
}

// follows reports whether the n-th behind the first is of its run.
func follows(first, r *connect.Receipt, n int64) bool {
	return r.Source == first.Source && r.Outcome == first.Outcome && (r.Outcome != connect.Produced ||
		r.KafkaOffset == first.KafkaOffset+n && r.KafkaPartition == first.KafkaPartition && r.Topic == first.Topic)
}

// run appends a field with a Run.
func (d *SourceDecoder) run(buf []byte, source uint32, n int, first *connect.Receipt) []byte {
	run := d.runs[:0]
	if source != 0 {
		run = appendVarint(append(run, 0x08), uint64(source))
	}
	run = appendVarint(append(run, 0x10), uint64(n))
	if first.Outcome != connect.Produced {
		run = append(run, 0x18, byte(first.Outcome))
	} else {
		run = appendText(run, 0x22, valid(first.Topic))
		if first.KafkaPartition != 0 {
			run = appendVarint(append(run, 0x28), uint64(int64(first.KafkaPartition)))
		}
		if first.KafkaOffset != 0 {
			run = appendVarint(append(run, 0x30), uint64(first.KafkaOffset))
		}
	}
	d.runs = run
	return appendText(buf, 0x0a, alias(run))
}
