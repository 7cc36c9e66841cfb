// Package connect is what the author of a connector imports: the data model of Kafka Connect (records, schemas,
// headers), the interfaces a source or a sink implements, the declaration of configuration keys, and the classes of
// error the runtime understands. It imports nothing else of Sluice and no Kafka client, so a plugin's binary stays small.
//
// # A source
//
// A [SourceConnector] describes itself ([Spec]) and opens tasks. A [SourceTask] is asked for records ([SourceTask.Poll])
// and puts them into the runtime's [Batch]. The runtime transforms, converts and produces them, and tells a task that
// wants to know ([Acker]) when Kafka has them, in order per source partition.
//
// # A sink
//
// A [SinkConnector] opens tasks whose [SinkTask.Put] takes what was consumed. A task that works asynchronously says
// how far it really is through [PreCommitter].
//
// # Optional abilities
//
// Everything beyond those methods is an interface of one method, found by type assertion: [Splitter], [Validator],
// [Watcher], [SourceOffsetAlterer], [SinkOffsetAlterer], [ExactlyOnceSource], [TransactionDefiner], [Remover] on connectors,
// [Acker], [PreCommitter], [Drainer], [Assigner] on tasks. A plugin in a process of its own has all of them but [Remover].
//
// # Rules that hold everywhere
//
//   - Contexts: when the context of a call ends, the call returns soon. One that does not hurts only its own task: the
//     runtime abandons it after task.shutdown.graceful.timeout.ms and goes on without it.
//   - Errors: an error made by [Retry] asks for the same call again later; any other error ends the task as FAILED.
//   - Memory: nothing here needs shared memory, the same code runs in the worker's process or in its own.
//   - Panics are recovered at every call into a connector and end the task as FAILED.
package connect
