package wire

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// broken are batches that break the contract, and what the error must name.
func broken() map[string]*contract.SourceBatch {
	value := func(v *contract.Value) *contract.SourceBatch {
		return &contract.SourceBatch{Records: []*contract.SourceRecord{{Topic: "t"}, {Topic: "t", Value: v}}}
	}
	schema := func(s ...*contract.Schema) *contract.SourceBatch { return &contract.SourceBatch{Schemas: s} }
	deep := &contract.Value{}
	deepSchema := &contract.Schema{Kind: contract.Kind_ARRAY}
	for range maxDepth + 2 {
		deep = &contract.Value{Kind: &contract.Value_Array{Array: &contract.Array{Values: []*contract.Value{deep}}}}
		deepSchema = &contract.Schema{Kind: contract.Kind_ARRAY, Values: deepSchema}
	}
	xs := &contract.Schema{Kind: contract.Kind_STRUCT, Fields: []*contract.Field{{Name: "x", Schema: &contract.Schema{Kind: contract.Kind_INT8}}}}
	text := func(s string) *contract.Value { return &contract.Value{Kind: &contract.Value_String_{String_: s}} }
	ofStruct := func(s *contract.Struct) *contract.SourceBatch {
		b := value(&contract.Value{Kind: &contract.Value_Struct{Struct: s}})
		b.Schemas = []*contract.Schema{xs}
		return b
	}
	part := &contract.SourcePartition{Attrs: []*contract.Attr{{Name: "file", Value: text("f")}}}
	many := make([]*contract.Schema, maxKnown+1)
	for i := range many {
		many[i] = &contract.Schema{Kind: contract.Kind_INT8, Doc: proto.String(fmt.Sprint(i))}
	}
	wideSchema := &contract.Schema{Kind: contract.Kind_STRUCT}
	for i := range 1000 {
		wideSchema.Fields = append(wideSchema.Fields, &contract.Field{Name: fmt.Sprint(i), Schema: &contract.Schema{Kind: contract.Kind_INT8}})
	}
	wides := make([]*contract.Schema, 200)
	for i := range wides {
		wides[i] = proto.Clone(wideSchema).(*contract.Schema)
		wides[i].Doc = proto.String(fmt.Sprint(i))
	}
	return map[string]*contract.SourceBatch{
		"record 1 of the batch: value_schema: there is no schema 16":         {Records: []*contract.SourceRecord{{Topic: "t"}, {Topic: "t", ValueSchema: 16}}},
		"record 0 of the batch: key_schema: there is no schema 12":           {Records: []*contract.SourceRecord{{Topic: "t", KeySchema: 12}}},
		"record 0 of the batch: it has no topic":                             {Records: []*contract.SourceRecord{{}}},
		"record 0 of the batch: source 1: 0 partitions were sent":            {Records: []*contract.SourceRecord{{Topic: "t", Source: 1}}},
		"record 0 of the batch: header 1: there is no schema 99":             {Records: []*contract.SourceRecord{{Topic: "t", Headers: []*contract.Header{{}, {Schema: 99}}}}},
		"partition 2 is {file=f}, which was sent before as 1":                {Partitions: []*contract.SourcePartition{part, part}},
		"a transaction ends after 3 records, of 1":                           {Records: []*contract.SourceRecord{{Topic: "t"}}, Ends: []*contract.TransactionEnd{{Records: 3}}},
		"value: int8: 300 is out of range":                                   value(&contract.Value{Kind: &contract.Value_Int8{Int8: 300}}),
		"value: int16: -40000 is out of range":                               value(&contract.Value{Kind: &contract.Value_Int16{Int16: -40000}}),
		"deeper than 64":                                                     value(deep),
		"schema 16: values: values":                                          schema(deepSchema),
		"schema 16: 0 is no kind of a schema":                                schema(&contract.Schema{}),
		"schema 17: 99 is no kind of a schema":                               schema(xs, &contract.Schema{Kind: 99}),
		`schema 16: field "a": a field without a schema`:                     schema(&contract.Schema{Kind: contract.Kind_STRUCT, Fields: []*contract.Field{{Name: "a"}}}),
		`two fields named "x"`:                                               schema(&contract.Schema{Kind: contract.Kind_STRUCT, Fields: []*contract.Field{xs.Fields[0], xs.Fields[0]}}),
		"more than 1000 schemas were sent without forget":                    schema(many...),
		"the schemas have more than 262144 fields":                           schema(wides...),
		"a struct without a schema":                                          ofStruct(&contract.Struct{Values: []*contract.Value{{}}}),
		"struct: there is no schema 17":                                      ofStruct(&contract.Struct{Schema: 17, Values: []*contract.Value{{}}}),
		"a struct of 2 values, and its schema":                               ofStruct(&contract.Struct{Schema: 16, Values: []*contract.Value{{}, {}}}),
		`record 1 of the batch: value: field "x": int8: 200 is out of range`: ofStruct(&contract.Struct{Schema: 16, Values: []*contract.Value{{Kind: &contract.Value_Int8{Int8: 200}}}}),
		"a key occurs twice":                                                 value(&contract.Value{Kind: &contract.Value_Map{Map: &contract.Map{Entries: []*contract.Entry{{Key: text("a")}, {Key: text("a")}}}}}),
		"a decimal of scale 99999":                                           value(&contract.Value{Kind: &contract.Value_Decimal{Decimal: &contract.Decimal{Scale: 99999}}}),
		`offset: attribute "a" is a array: it may be`:                        {Records: []*contract.SourceRecord{{Topic: "t", Offset: &contract.Offset{Attrs: []*contract.Attr{{Name: "a", Value: &contract.Value{Kind: &contract.Value_Array{Array: &contract.Array{}}}}}}}}},
		"at most 65536 may be in one":                                        {Records: make([]*contract.SourceRecord, maxRecords+1)},
	}
}

func TestABrokenContractIsNamed(t *testing.T) {
	for want, m := range broken() {
		for i := range m.Records {
			if m.Records[i] == nil {
				m.Records[i] = &contract.SourceRecord{Topic: "t"}
			}
		}
		raw, err := proto.Marshal(m)
		require.NoError(t, err)
		dec := NewSourceDecoder(new(connect.Partitions).Intern)
		_, err = dec.Decode(raw, connect.NewBatch(1, 1))
		require.ErrorContains(t, err, want)
	}
}

func TestABatchThatIsCutOffIsNoBatch(t *testing.T) {
	for seed := range uint64(5) {
		r := newRandom(seed)
		var enc SourceEncoder
		var put PutEncoder
		whole := bytesOf(t, enc.Encode(r.batch(), nil)[0])
		out, _, err := put.Encode(1, r.sinkRecords())
		require.NoError(t, err)
		wholePut := bytesOf(t, out)
		for n := 1; n < min(len(whole), 3000); n++ {
			require.Error(t, new(FromSource).read(whole[:n]))
			_, _ = NewSourceDecoder(new(connect.Partitions).Intern).Decode(whole[:n], connect.NewBatch(1, 1))
		}
		for n := range min(len(wholePut), 3000) {
			_, _, _ = new(PutDecoder).Decode(wholePut[:n])
		}
	}
}

// A message of many of the smallest things must not become a multiple of it in memory.
func TestGarbageTakesLittleMoreMemoryThanItself(t *testing.T) {
	const n = 100_000
	nest := func(tags []byte, content []byte) []byte {
		for _, tag := range tags {
			content = append(appendVarint([]byte{tag}, uint64(len(content))), content...)
		}
		return content
	}
	record := func(value []byte) []byte { return nest([]byte{0x3a, 0x22}, value) }
	for name, raw := range map[string][]byte{
		"empty records":      bytes.Repeat([]byte{0x22, 0}, maxRecords),
		"nulls in an array":  record(nest([]byte{0x52}, bytes.Repeat([]byte{0x0a, 0}, n))),
		"arrays in an array": record(nest([]byte{0x52}, bytes.Repeat([]byte{0x0a, 2, 0x52, 0}, n))),
		"entries of a map":   record(nest([]byte{0x5a}, bytes.Repeat([]byte{0x0a, 0}, n))),
		"empty headers":      nest([]byte{0x22}, bytes.Repeat([]byte{0x42, 0}, n)),
		"members of offsets": nest([]byte{0x52, 0x22}, bytes.Repeat([]byte{0x0a, 0}, n)),
		"pieces of a value":  nest([]byte{0x22}, bytes.Repeat([]byte{0x3a, 2, 0x52, 0}, n)),
		"partitions":         bytes.Repeat([]byte{0x1a, 0}, n),
		"fields of a schema": nest([]byte{0x12}, append([]byte{0x08, 12}, bytes.Repeat([]byte{0x52, 4, 0x12, 2, 0x08, 1}, n)...)),
		"schemas":            bytes.Repeat([]byte{0x12, 2, 0x08, 10}, n),
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, raw, func() {
				_, _ = NewSourceDecoder(new(connect.Partitions).Intern).Decode(raw, connect.NewBatch(1, 1))
			})
		})
	}
}
