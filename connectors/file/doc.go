// Package file reads a text file line by line into a topic, and writes topics into a text file: Kafka's FileStreamSource and FileStreamSink,
// with their names, keys and stored offsets, so that their manifests and their progress carry over.
//
// # Where it differs from Kafka's
//
//   - Positions count bytes. Kafka's count UTF-16 units, and drift behind the first character that is not ASCII.
//   - Lines keep their bytes also where these are not UTF-8.
//   - A file that was truncated, or replaced under its name, is read again from its start; Kafka's connector stays silent for ever. What cannot
//     be seen: a file that was truncated, and grew beyond the old position, between two looks; and one that was replaced by a longer one while the
//     task did not run, because an offset holds a position and not which file it is of.
//   - A missing file is told in the task's status until it appears.
//   - The sink syncs the file before offsets are committed, waits when the disk is full, and ends a line that a crash cut.
package file
