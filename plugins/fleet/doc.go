// Package fleet keeps the processes of a worker's plugins: which there are, what runs in which, and that none is left. Of each plugin there is one
// process for what is no task's, from the first question on; tasks have one a connector, or one each.
package fleet
