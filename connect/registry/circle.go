package registry

import "fmt"

// Circular is why a schema is refused in which a type, named by what, contains itself. Kafka Connect's classes make Connect schemas that refer to
// themselves; those here are finite, so that whoever walks through one comes to an end.
func Circular(what string) error {
	return fmt.Errorf("%s contains itself, which a Connect schema here cannot (ByteArrayConverter carries its messages as they are)", what)
}

// Unreadable adds to an error which schema cannot be read, and the subject that it has by the converter's keys where it has one.
func (r *Registry) Unreadable(s Schema, topic, record string, err error) error {
	subject, unnamed := r.Subject(topic, record)
	if unnamed != nil {
		return fmt.Errorf("schema %d: %w", s.ID, err)
	}
	return fmt.Errorf("schema %d of subject %s: %w", s.ID, subject, err)
}
