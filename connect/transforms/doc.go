// Package transforms has the transforms and predicates that come with Kafka Connect 4.1.2, by the names of their Java classes, one file each. [All] and
// [AllPredicates] list them for the catalog.
//
// They answer as Java's classes do, traps included:
//
//   - With a schema they work on structs, without one on maps; anything else is an error of class [connect.ErrData], with Java's words. Except for
//     Flatten, and ExtractField with field.syntax.version=V2, only the fields on top are looked at.
//   - A struct's null is read as the default of its field unless replace.null.with.default says otherwise, and written as what it was read as. A null
//     for a required field is an error, also where the field has a default (Struct.put).
//   - A struct that is built anew loses what Java loses: Cast a field's name, documentation and parameters; InsertField, ReplaceField and HeaderFrom
//     the struct's being optional and its default.
//   - Expressions are Java's ([pattern]), formats of dates SimpleDateFormat's in UTC ([dateformat]), numbers and texts of values Java's ([values]).
//   - Some mistakes in a configuration show at the first record only: a bad timestamp.format of TimestampRouter, a replacement of RegexRouter that names
//     no group, an InsertField whose field has no name.
//
// What is derived from a schema is kept for the schemas met last, by their pointers, where Java compares them whole: a source that builds a schema for
// each record pays for that here too.
package transforms
