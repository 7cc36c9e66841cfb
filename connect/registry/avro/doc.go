// Package avro is Confluent's AvroConverter: Connect's data as Avro, under schemas of a schema registry.
//
// The mapping is that of io.confluent.connect.avro.AvroData (schema-registry 8.x):
//
//	Connect                                        Avro
//	int8, int16                                    int with connect.type int8, int16
//	int32, int64, float32, float64                 int, long, float, double
//	boolean, string, bytes                         boolean, string, bytes (alone: the bytes as they are, without their length)
//	optional                                       [null, T]; [T, null] where there is a default
//	bytes with the parameter connect.fixed.size    fixed
//	Decimal                                        bytes or fixed, logicalType decimal, scale, precision (connect.decimal.precision, or 64)
//	Date, Time, Timestamp                          int date, int time-millis, long timestamp-millis
//	array                                          array
//	map with string keys                           map
//	map with other keys                            array of records MapEntry (or of the map's name) of key and value
//	struct                                         record of its name; ConnectDefault, ConnectDefault2 and so on without one
//	struct named io.confluent.connect.avro.Union   union; the field that is set is the branch
//	string with the parameter ...avro.Enum         enum, with enhanced.avro.schema.support or generalized.sum.type.support
//	no schema                                      record io.confluent.connect.avro.Anything
//
// With connect.meta.data a schema's name, version, doc, parameters and default travel as connect.name, connect.version, connect.doc,
// connect.parameters and connect.default. Back from Avro, docs and defaults of records and fields become parameters that begin with
// io.confluent.connect.avro; a schema without connect.version gets the version that it has within its subject.
//
// What is not as in Java: parameters have no order here, so connect.parameters are written sorted, and the symbols of an enum sorted or by their numbers.
// Under use.latest.version fields are matched by name, where Java takes them by position. Variants are not here.
//
// A record that holds itself becomes a schema that does ([connect.Schema.Recursive]): within itself it has the name, version, doc and parameters that it has
// outside, is optional by its own place, and has no default there. Back in Avro it is written once and is a name afterwards. Messages in which such records
// nest deeper than 1000 levels are refused. A union that holds itself in lists or maps alone, which only other formats have, is refused: Avro has no name for it.
//
// Messages are written and read by our own code over compiled pairs of schemas, straight between Connect's values and bytes. The library twmb/avro checks what is
// registered and compares schemas (latest.compatibility.strict), and judges the bytes in tests; its own encoding goes through reflection, maps and
// interfaces, which would be an allocation for each field of each record.
package avro
