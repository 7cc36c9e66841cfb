// Package manifest reads and writes plugin.json, which lies beside a plugin's program and says all that a worker must know of it before it runs: its
// classes with their configurations, how it is started, what it is granted. Nothing is executed to read one.
package manifest
