// Package process runs one plugin: a program of its own, started through hashicorp/go-plugin, spoken to over gRPC on a unix socket in a folder that
// only this user may enter. It finds and checks the program, grants it an environment and limits, keeps its last words, asks every few seconds
// whether it still answers, and sees to it that nothing of it outlives this process, however this process ends.
package process
