package contract

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// frozen is version 1 as it was when it became one. Plugins that were built from it are out there and are not built again.
const frozen = "testdata/v1/plugin.proto"

func compiled(t *testing.T, text string) protoreflect.FileDescriptor {
	t.Helper()
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"plugin.proto": text}),
	}}
	files, err := compiler.Compile(t.Context(), "plugin.proto")
	require.NoError(t, err)
	return files[0]
}

func version1(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(frozen)
	require.NoError(t, err)
	return string(text)
}

// When this test fails, plugin.proto was changed in a way that plugins out there do not survive. The file in testdata is not what is to be changed: put back what
// the failure names, under its number, type and name, and add what is new beside it, as a field or method of its own that means "nothing said" where it is not
// set. What cannot be done by adding is version 2: another package (sluice.plugin.v2), another number in the line that plugins print, this version served beside
// it, and a frozen copy of its own.
func TestNothingOfVersion1HasChanged(t *testing.T) {
	require.Empty(t, missing(compiled(t, version1(t)), File_plugin_proto), "plugin.proto no longer says what version 1 said")
}

func TestWhatChangesVersion1IsNoticed(t *testing.T) {
	old := version1(t)
	for _, c := range []struct{ from, to, want string }{
		{"package sluice.plugin.v1;", "package sluice.plugin.v2;", "package sluice.plugin.v1"},
		{"  uint64 tag = 11;", "  uint64 tag = 14;", "sluice.plugin.v1.SourceRecord: field 11"},
		{"  uint64 tag = 11;", "  int64 tag = 11;", "sluice.plugin.v1.SourceRecord.tag: kind"},
		{"  uint64 tag = 11;", "  uint64 label = 11;", "sluice.plugin.v1.SourceRecord.tag: name"},
		{"  uint64 tag = 11;", "  optional uint64 tag = 11;", "sluice.plugin.v1.SourceRecord.tag: presence"},
		{"  uint64 tag = 11;", "  repeated uint64 tag = 11;", "sluice.plugin.v1.SourceRecord.tag: label"},
		{"  Value key = 1;\n  Value value = 2;", "  Value key = 1;\n  Schema value = 2;", "sluice.plugin.v1.Entry.value: type"},
		{"  Class.Type type = 1;\n  string class = 2;\n  map<string, string> config = 3;", "  Class.Type type = 1;\n  string class = 2;\n  map<string, bytes> config = 3;", "sluice.plugin.v1.ClassConfig.ConfigEntry.value: kind"},
		{"sint64 instant = 14;", "} sint64 instant = 14; oneof other {uint32 more = 15;", "sluice.plugin.v1.Value.instant: oneof"},
		{"  FILTERED = 1;", "  SKIPPED = 1;", "sluice.plugin.v1.Run.FILTERED"},
		{"  MAP = 11;\n  STRUCT = 12;", "  MAP = 12;\n  STRUCT = 11;", "sluice.plugin.v1.MAP"},
		{"  rpc Ping(PingRequest) returns (PingAnswer);", "", "sluice.plugin.v1.Plugin.Ping"},
		{"rpc Watch(ClassConfig) returns (stream SplitAgain);", "rpc Watch(ClassConfig) returns (SplitAgain);", "sluice.plugin.v1.Plugin.Watch"},
		{"rpc Guarantees(ClassConfig)", "rpc Guarantees(SplitRequest)", "sluice.plugin.v1.Plugin.Guarantees"},
		{"message RequestCommit {}", "", "sluice.plugin.v1.RequestCommit"},
		{"    RequestCommit request_commit = 8;", "", "sluice.plugin.v1.FromSink: field 8"},
	} {
		text := strings.Replace(old, c.from, c.to, 1)
		require.NotEqual(t, old, text, c.from)
		if strings.HasPrefix(c.from, "message") {
			text = strings.Replace(text, "    RequestCommit request_commit = 8;", "", 1)
		}
		require.Containsf(t, strings.Join(missing(compiled(t, old), compiled(t, text)), "\n"), c.want, "%s instead of %s", c.to, c.from)
	}
	added := strings.Replace(old, "  uint64 tag = 11;", "  uint64 tag = 11;\n  string note = 14;", 1)
	added = strings.Replace(added, "  FILTERED = 1;", "  FILTERED = 1;\n LATER = 9;", 1)
	require.Empty(t, missing(compiled(t, old), compiled(t, added+"\nmessage New {}\n")), "what is added harms nobody")
}

// missing are the things of an old contract that a new one does not have as they were.
func missing(old, now protoreflect.FileDescriptor) (all []string) {
	if old.Package() != now.Package() {
		return []string{fmt.Sprintf("package %s: it is %s", old.Package(), now.Package())}
	}
	for i := range old.Services().Len() {
		all = append(all, missingMethods(old.Services().Get(i), now.Services().ByName(old.Services().Get(i).Name()))...)
	}
	all = append(all, missingEnums(old.Enums(), now.Enums())...)
	return append(all, missingMessages(old.Messages(), now.Messages())...)
}

func missingMethods(old, now protoreflect.ServiceDescriptor) (all []string) {
	if now == nil {
		return []string{string(old.FullName())}
	}
	for i := range old.Methods().Len() {
		o := old.Methods().Get(i)
		n := now.Methods().ByName(o.Name())
		if n == nil || n.Input().FullName() != o.Input().FullName() || n.Output().FullName() != o.Output().FullName() ||
			n.IsStreamingClient() != o.IsStreamingClient() || n.IsStreamingServer() != o.IsStreamingServer() {
			all = append(all, string(o.FullName()))
		}
	}
	return all
}

func missingEnums(old, now protoreflect.EnumDescriptors) (all []string) {
	for i := range old.Len() {
		o := old.Get(i)
		n := now.ByName(o.Name())
		if n == nil {
			all = append(all, string(o.FullName()))
			continue
		}
		for k := range o.Values().Len() {
			v := o.Values().Get(k)
			if w := n.Values().ByNumber(v.Number()); w == nil || w.Name() != v.Name() {
				all = append(all, string(v.FullName()))
			}
		}
	}
	return all
}

func missingMessages(old, now protoreflect.MessageDescriptors) (all []string) {
	for i := range old.Len() {
		o := old.Get(i)
		n := now.ByName(o.Name())
		if n == nil {
			all = append(all, string(o.FullName()))
			continue
		}
		for k := range o.Fields().Len() {
			all = append(all, changes(o.Fields().Get(k), n)...)
		}
		all = append(all, missingEnums(o.Enums(), n.Enums())...)
		all = append(all, missingMessages(o.Messages(), n.Messages())...)
	}
	return all
}

// changes are what is different about a field.
func changes(o protoreflect.FieldDescriptor, in protoreflect.MessageDescriptor) (all []string) {
	n := in.Fields().ByNumber(o.Number())
	if n == nil {
		return []string{fmt.Sprintf("%s: field %d", in.FullName(), o.Number())}
	}
	differs := func(what string, old, now any) {
		if old != now {
			all = append(all, fmt.Sprintf("%s: %s %v, was %v", o.FullName(), what, now, old))
		}
	}
	differs("name", o.Name(), n.Name())
	differs("kind", o.Kind(), n.Kind())
	differs("label", o.Cardinality(), n.Cardinality())
	differs("presence", o.HasPresence(), n.HasPresence())
	differs("packed", o.IsPacked(), n.IsPacked())
	differs("type", typeName(o), typeName(n))
	differs("oneof", oneof(o), oneof(n))
	return all
}

func typeName(f protoreflect.FieldDescriptor) protoreflect.FullName {
	switch {
	case f.Message() != nil:
		return f.Message().FullName()
	case f.Enum() != nil:
		return f.Enum().FullName()
	}
	return ""
}

func oneof(f protoreflect.FieldDescriptor) protoreflect.Name {
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		return o.Name()
	}
	return ""
}
