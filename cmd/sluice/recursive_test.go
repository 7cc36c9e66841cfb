package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/registry"
	"github.com/sluice-connect/sluice/internal/testbed/registrystand"
)

// recursiveConfigs are for each transform without its half, so that it has to do with a field that holds the struct again.
var recursiveConfigs = map[string][]connect.Config{
	"Cast":               {{"spec": "next:string"}, {"spec": "string"}, {"spec": "value:int64"}},
	"DropHeaders":        {{"headers": "h"}},
	"ExtractField":       {{"field": "next"}, {"field": "next.next", "field.syntax.version": "V2"}},
	"Filter":             {{}},
	"Flatten":            {{}},
	"HeaderFrom":         {{"fields": "next", "headers": "n", "operation": "move"}, {"fields": "next", "headers": "n", "operation": "copy"}},
	"HoistField":         {{"field": "f"}},
	"InsertField":        {{"topic.field": "t"}},
	"InsertHeader":       {{"header": "i", "value.literal": "1"}},
	"MaskField":          {{"fields": "next"}, {"fields": "value", "replacement": "9"}},
	"RegexRouter":        {{"regex": "t", "replacement": "u"}},
	"ReplaceField":       {{"exclude": "value"}, {"renames": "next:other"}},
	"SetSchemaMetadata":  {{"schema.name": "Other", "schema.version": "3"}},
	"TimestampConverter": {{"field": "next", "target.type": "unix"}, {"field": "", "target.type": "unix"}, {"field": "value", "target.type": "Timestamp"}},
	"TimestampRouter":    {{}},
	"ValueToKey":         {{"fields": "next"}},

	"HasHeaderKey":      {{"name": "h"}},
	"RecordIsTombstone": {{}},
	"TopicNameMatches":  {{"pattern": "t"}},
}

// shortClass is a class without its package and half.
func shortClass(class string) string {
	name, _, _ := strings.Cut(class[strings.LastIndexByte(class, '.')+1:], "$")
	return name
}

// recursiveRecords have a schema that holds itself wherever there is a place for one.
func recursiveRecords(t *testing.T) (records []connect.Record) {
	samples := registrystand.Recursive(t)
	for _, s := range []registrystand.Sample{samples["a list"], samples["a map of itself"]} {
		list := connect.ArraySchema(s.Schema)
		m := connect.MapSchema(connect.StringSchema, s.Schema)
		for _, r := range []connect.Record{
			{ValueSchema: s.Schema, Value: s.Value, KeySchema: s.Schema, Key: s.Value},
			{ValueSchema: list, Value: connect.Array([]connect.Value{s.Value}), KeySchema: s.Schema, Key: s.Value},
			{ValueSchema: m, Value: connect.MapOf(connect.NewMap(1).Put(connect.String("k"), s.Value)), KeySchema: list, Key: connect.Array([]connect.Value{s.Value})},
			{ValueSchema: s.Schema.With(connect.Optional()), KeySchema: m},
			{Value: connect.Array([]connect.Value{s.Value})},
		} {
			r.Topic = "t"
			r.Header("h", s.Schema, s.Value)
			records = append(records, r)
		}
	}
	return records
}

// Every class of the program answers for schemas that hold themselves, with a result or an error, and what a transform made of one is written by every
// converter: an endless walk would end the whole worker.
func TestEveryClassAnswersForSchemasThatHoldThemselves(t *testing.T) {
	c, err := classes()
	require.NoError(t, err)
	known := srfake.New()
	defer known.Close()
	base := connect.Config{"schema.registry.url": known.URL(), "schemas.enable": "true"}
	answers := 0
	var all []converters.Converter
	for _, class := range c.Converters() {
		d, err := c.Converter(class)
		require.NoError(t, err)
		converter, err := d.New(converters.Value, base)
		require.NoError(t, err, class)
		all = append(all, converter)
	}
	var ofHeaders []converters.HeaderConverter
	for _, class := range c.HeaderConverters() {
		d, err := c.Converter(class)
		require.NoError(t, err)
		converter, err := d.NewHeader(base)
		require.NoError(t, err, class)
		ofHeaders = append(ofHeaders, converter)
	}
	convert := func(r *connect.Record) {
		for _, converter := range all {
			data, err := converter.Encode(new(converters.Arena), r.Topic, r.ValueSchema, r.Value)
			if err == nil {
				_, _, err = converter.Decode(r.Topic, data)
			}
			if refusal := new(registry.Error); err != nil && !errors.As(err, &refusal) {
				assert.ErrorIs(t, err, connect.ErrData, "%T", converter)
			}
			answers++
		}
		for _, converter := range ofHeaders {
			for _, h := range r.Headers {
				data, err := converter.EncodeHeader(new(converters.Arena), r.Topic, h.Key, h.Schema, h.Value)
				if err == nil {
					_, _, _ = converter.DecodeHeader(r.Topic, h.Key, data)
				}
				answers++
			}
		}
	}
	records := recursiveRecords(t)
	for i := range records {
		convert(&records[i])
	}
	for _, class := range c.Transforms() {
		d, err := c.Transform(class)
		require.NoError(t, err)
		configs := recursiveConfigs[shortClass(class)]
		require.NotEmpty(t, configs, "%s has no configuration here", class)
		for _, cfg := range configs {
			transform, err := d.New(cfg)
			require.NoError(t, err, class)
			for _, r := range recursiveRecords(t) {
				if _, err := transform.Apply(&r); err != nil {
					assert.NotEmpty(t, err.Error(), class)
				}
				answers++
				convert(&r)
			}
			transform.Close()
		}
	}
	for _, class := range c.Predicates() {
		d, err := c.Predicate(class)
		require.NoError(t, err)
		configs := recursiveConfigs[shortClass(class)]
		require.NotEmpty(t, configs, "%s has no configuration here", class)
		predicate, err := d.New(configs[0])
		require.NoError(t, err, class)
		for i := range records {
			_, err := predicate.Test(&records[i])
			require.NoError(t, err, class)
			answers++
		}
		predicate.Close()
	}
	assert.Greater(t, answers, 3000)
}
