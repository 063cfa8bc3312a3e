package engine

// lockedOutputs are the outputs of the content-safety model for the pictures of synthetic.
func lockedOutputs() map[string]string {
	return map[string]string{
		"brushes.jpg":      "fae0b6397eb60439a2857e3feef8a93bc3b3e838",
		"cat.jpg":          "c0fe013976df7c3898007f3fa7eb6e3b2f148d38",
		"coffee.jpg":       "60cf8139cb3df93838ae7d3f45590c3cf6e00539",
		"dandelion.jpg":    "8ca4ad390560fa38deaf7e3f7809963bcc1fd138",
		"drum.jpg":         "f8c93d3904961a39744a7c3fe187653c8f6d1e39",
		"fig.jpg":          "4b54313959690039b02a7d3f5bfd2d3c39fb2339",
		"photographer.jpg": "d9050d39615cf438296a7c3f75105f3c752c1239",
		"rocket.jpg":       "3177ba397a26ea38e9b97e3f035b903b68f4d738",
	}
}
