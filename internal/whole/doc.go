// Package whole writes files that appear whole or not at all, and stay when the machine fails right afterwards.
//
//	err := whole.Write(path, data, 0o644)
//
// What a crash leaves half written lies beside its place under a name that begins with Prefix; Sweep removes it, and leaves alone what is being
// written. TryLock lets one process at a time do what would be a waste if two did it. Stores of models, pipelines and packed weights and the
// work journal call it.
package whole
