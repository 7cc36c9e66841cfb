// Package jsonschema is Confluent's JsonSchemaConverter: Connect's data as JSON, under JSON Schemas of a schema registry.
//
// The mapping is that of io.confluent.connect.json.JsonSchemaData (schema-registry 8.x):
//
//	Connect                                          JSON Schema, and the value
//	int8 to int64                                    integer with connect.type
//	float32, float64                                 number with connect.type; NaN and the infinities are strings
//	boolean, string                                  boolean, string
//	bytes                                            string with connect.type bytes, in base64
//	optional                                         oneOf of null and the type
//	Decimal                                          as bytes, or number by decimal.format; both are read
//	Date, Time, Timestamp                            integer: days, milliseconds of the day, milliseconds since 1970
//	array                                            array
//	map with string keys                             object with additionalProperties and connect.type map
//	map with other keys                              array of objects of key and value, with connect.type map
//	struct                                           object; connect.index keeps the order of its properties
//	struct named io.confluent.connect.json.OneOf     oneOf
//	string with the parameter ...json.Enum           enum
//
// A schema's name is the title, its doc the description, its default the default; version and parameters are connect.version and connect.parameters.
// Of what others write, types in lists, anyOf, allOf, const, enum and references within a document and to other subjects are read too.
//
// What is not as in Java: the symbols of an enum are sorted or in the order of their numbers, and of two properties with the same connect.index none is lost. A
// schema that accepts any value (Java: a variant) is refused. With use.latest.version and latest.compatibility.strict each message is validated against the
// latest schema, where Java compares the two schemas.
//
// What a reference within an object or a union leads back to becomes a schema that holds itself ([connect.Schema.Recursive]), and is optional by its own place;
// it has no parameter io.confluent.connect.json.Id. Back in JSON Schema such an object is written where it occurs first, and is a "$ref" with
// the pointer to it afterwards, beside null where it is optional (Java: an id such as #id1, which is valid in older drafts only). A list of itself with no object in between is refused. Messages nest 1000 levels at most.
package jsonschema
