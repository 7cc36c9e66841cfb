// Package payload reads what devices send: it undoes their compression, and decodes JSON and CBOR into values without a schema. It writes values as JSON
// for them.
//
// Numbers are not damaged: an integer is an Int64 where it fits and its decimal text where it does not, another number a Float64 where that has all
// its digits, and its text where not.
package payload
