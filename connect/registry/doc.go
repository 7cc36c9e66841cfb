// Package registry is what the converters of a schema registry share: the client of Confluent's REST interface with its logins and TLS, subjects, and
// the bytes in front of a message. The converters themselves are the packages below it, one for each format.
//
// A registry that is out of reach, overloaded or broken (connection errors, HTTP 408, 429, 5xx) is no fault of the record: such errors are made by
// [connect.Retry]. What the registry refuses (other 4xx) is an [*Error] and does not get better by itself. Every request ends within
// http.connect.timeout.ms plus http.read.timeout.ms for each URL, and no answer is read beyond 16 MiB.
//
// Keys and behaviour are those of Confluent's serializers (AbstractKafkaSchemaSerDeConfig, SchemaRegistryClientConfig, RestService, as of
// schema-registry 8.x). What differs:
//
//   - The library's own retries (max.retries, retries.wait.ms) are the worker's here: the key has no effect and is complained of as unknown.
//   - A URL that answers 5xx or 429 is left for the next one, as one that cannot be reached is.
//   - Subjects go by TopicNameStrategy unless said otherwise. Newer Java clients ask the registry for associations first, and end there too
//     where there are none.
//   - Schema contexts, rules, metadata, fixed ids (use.schema.id) and ids in headers are not here, and are refused.
package registry
