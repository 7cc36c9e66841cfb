// Package values is Kafka Connect's Values class: values as text and back. The simple header converter lives on it, and so do
// the transforms that parse or print. The rules are Java's, traps included, because what they make of a header is seen by
// every consumer; times are taken to be UTC, as in a JVM whose zone is UTC.
package values
