// Package converters turns keys, values and headers into the bytes of a Kafka record and back: Kafka Connect's Converter and
// HeaderConverter, and the converters that come with it. [All] lists them for the catalog.
package converters
