// Package protobuf is Confluent's ProtobufConverter: Connect's data as Protobuf, under schemas of a schema registry.
//
// The mapping is that of io.confluent.connect.protobuf.ProtobufData (schema-registry 8.x):
//
//	Connect                                              Protobuf
//	int8, int16                                          int32 with connect.type in the option confluent.field_meta
//	int32, int64                                         int32, int64, or the type in the parameter io.confluent.connect.protobuf.Type
//	float32, float64, boolean, string, bytes             float, double, bool, string, bytes
//	optional                                             the same; optional with optional.for.nullables; a wrapper message with wrapper.for.nullables
//	Decimal                                              confluent.type.Decimal, scale and precision in confluent.field_meta
//	Date, Time, Timestamp                                google.type.Date, google.type.TimeOfDay, google.protobuf.Timestamp
//	array                                                repeated
//	map                                                  repeated message that is named ...Entry and has key and value
//	struct                                               message, those within as nested types
//	struct named io.confluent.connect.protobuf.Union...  oneof, whose members say their numbers in the parameter ...protobuf.Tag
//	string with the parameter ...protobuf.Enum           enum
//	a scalar alone                                       google.protobuf.Int32Value and its like
//
// Fields are numbered from 1 in order, or by the parameter io.confluent.connect.protobuf.Tag, which every field that was read has. What
// is read: uint32 and all of 64 bits are int64, an enum is its symbol or, with int.for.enums, its number, a oneof is an optional
// struct named by the oneof and its position, and everything is optional unless optional.for.nullables or wrapper.for.nullables says what may be null. Of
// scalars without presence an absent one is zero.
//
// What is not as in Java: defaults are not written, because proto3 has none; a list of lists, a list of maps and a null in a list are refused with
// their reason; a Time of 24:00 is refused. Under use.latest.version values are written by the numbers of the latest schema, fields matched by name, and
// what does not fit is refused whatever latest.compatibility.strict says.
//
// A message that holds itself becomes a schema that does ([connect.Schema.Recursive]), google.protobuf.Struct among them: within itself it has the name and
// version that it has outside, and the number of its field; the outermost stays required (Java makes it optional too). With generate.struct.for.nulls one that
// is not there within itself is null. Back in Protobuf a message within itself is known by its name, as in Java; messages that hold each other, on which Java
// overflows the stack, are defined once, where they occur first, and known by their full names elsewhere. Messages that nest deeper than 1000 levels are
// refused.
//
// Messages are written and read by our own code over compiled pairs of schemas, with the library's protowire for the bytes. protocompile reads .proto files; what
// Google's dynamic messages make of the bytes is looked at in tests.
package protobuf
