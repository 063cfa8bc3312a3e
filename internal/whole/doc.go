// Package whole writes files that appear whole or not at all, and stay when the machine fails right afterwards.
//
//	err := whole.Write(path, data, 0o644)
//
// What a crash leaves half written lies beside its place under a name that begins with Prefix; owners of a folder may remove it. Stores of models and
// pipelines and the work journal call it.
package whole
