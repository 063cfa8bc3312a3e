// Package catalog finds the models within a published package or a file, and knows what a file does not say of the ones that
// are well known: a short name, how a picture becomes their input, and what their outputs are called.
//
// A Model that is found is read only when its File is asked for. What is not known gets the name of its file and takes tensors.
//
//	found := catalog.Find("npm:nsfwjs@4.3.0", "MIT", files)
//	file, err := found[0].File()
//
// `aiwork-node model pull` calls it, and so does the test that keeps the models in compute/model/builtin true.
package catalog
