package protobuf

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/sluice-connect/sluice/connect/registry"
)

// known are the files that every registry and Confluent's clients have, beside those of google/protobuf. They are the interfaces of public types.
var known = map[string]string{
	"confluent/meta.proto": `syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
		message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; repeated Rule rules = 4; }
		message Rule { string name = 1; string doc = 2; string expr = 3; string sql = 4; }
		extend google.protobuf.FileOptions { Meta file_meta = 1088; }
		extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
		extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
		extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
		extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }`,
	"confluent/type/decimal.proto": `syntax = "proto3"; package confluent.type;
		message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
	"google/type/date.proto": `syntax = "proto3"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }`,
	"google/type/timeofday.proto": `syntax = "proto3"; package google.type;
		message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }`,
}

const ownFile = "message.proto"

// parse compiles a file with those it imports.
func parse(text string, references []registry.Reference) (protoreflect.FileDescriptor, error) {
	files := maps.Clone(known)
	for _, ref := range references {
		files[ref.Name] = ref.Text
	}
	files[ownFile] = text
	resolve := protocompile.ResolverFunc(func(name string) (protocompile.SearchResult, error) {
		text, ok := files[name]
		if !ok {
			return protocompile.SearchResult{}, protoregistry.NotFound
		}
		if compiled := serialized(text); compiled != nil {
			compiled.Name = proto.String(name)
			return protocompile.SearchResult{Proto: compiled}, nil
		}
		return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
	})
	compiler := protocompile.Compiler{MaxParallelism: 1, Resolver: protocompile.WithStandardImports(resolve)}
	compiled, err := compiler.Compile(context.Background(), ownFile)
	if err != nil {
		return nil, fmt.Errorf("reading a Protobuf schema: %w", err)
	}
	return compiled[0], nil
}

// serialized reads a schema that is no text but a compiled file in base64, as some clients register them; nil for others.
func serialized(text string) *descriptorpb.FileDescriptorProto {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil
	}
	file := new(descriptorpb.FileDescriptorProto)
	if proto.Unmarshal(raw, file) != nil {
		return nil
	}
	return file
}

// messageAt follows the indexes that stand in front of a message.
func messageAt(file protoreflect.FileDescriptor, indexes []int) (protoreflect.MessageDescriptor, error) {
	var found protoreflect.MessageDescriptor
	within := file.Messages()
	for _, i := range indexes {
		if i >= within.Len() {
			return nil, fmt.Errorf("its indexes %v name no message type of the schema", indexes)
		}
		found = within.Get(i)
		within = found.Messages()
	}
	return found, nil
}

// indexesOf is where a message stands in its file.
func indexesOf(m protoreflect.MessageDescriptor) []int {
	var out []int
	for d := protoreflect.Descriptor(m); ; d = d.Parent() {
		if _, isFile := d.(protoreflect.FileDescriptor); isFile {
			return out
		}
		out = append([]int{d.Index()}, out...)
	}
}

// first is the name of the first message of a file, which names the file's schema; "" where there is none.
func first(file protoreflect.FileDescriptor) string {
	if file.Messages().Len() == 0 {
		return ""
	}
	return string(file.Messages().Get(0).FullName())
}

// isEntry reports whether a message is an entry of a map: a list of them is one, be it declared as a map or not.
func isEntry(m protoreflect.MessageDescriptor) bool {
	fields := m.Fields()
	return strings.HasSuffix(string(m.Name()), entrySuffix) && fields.Len() == 2 && fields.Get(0).Name() == "key" && fields.Get(1).Name() == "value" &&
		fields.Get(0).Cardinality() != protoreflect.Repeated && fields.Get(1).Cardinality() != protoreflect.Repeated
}

// isWrapper reports whether a message is one of Google's wrappers of a scalar.
func isWrapper(m protoreflect.MessageDescriptor) bool {
	if m == nil || m.FullName().Parent() != "google.protobuf" || m.Fields().Len() != 1 {
		return false
	}
	switch m.Name() {
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue":
		return true
	}
	return false
}
