// Package builtin holds the models that ship in the binary.
//
// There is one so far: content-safety, the mobilenet_v2 of the npm package nsfwjs 4.3.0 (MIT licence,
// kept inside the file), which gives a picture's probabilities for Drawing, Hentai, Neutral, Porn and
// Sexy. compute/catalog makes its file of that package; a test compares the two. What it gets wrong is told in
// docs/third-party.md.
package builtin

import (
	_ "embed" // the model file

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

//go:embed content-safety.aiwm
var contentSafety string

// ContentSafetyID is the id of the content-safety model. It is a constant so that a changed file, which
// would be another model, does not go unnoticed.
const ContentSafetyID = "0x963429f623d19e39f06bf7a967c7c776e98affdcf3dfd2de9b06a25db34ee52a"

// ContentSafety reads the content-safety model. Weights are decoded when they are used. They are as good as the program that holds them; a test
// holds them against their roots.
func ContentSafety() (*model.File, error) { return model.ViewFile(contentSafety) }

// Models gives all models that ship.
func Models() ([]*model.File, error) {
	m, err := ContentSafety()
	if err != nil {
		return nil, err
	}
	return []*model.File{m}, nil
}

// Fronts gives all models that ship without their weights, for listings.
func Fronts() ([]*model.File, error) {
	m, err := model.DecodeFront([]byte(contentSafety[:min(len(contentSafety), frontBytesMax)]))
	if err != nil {
		return nil, err
	}
	return []*model.File{m}, nil
}

// frontBytesMax is more than a front takes.
const frontBytesMax = 256 << 10

// ContentSafetyHash is ContentSafetyID as a hash.
func ContentSafetyHash() (id chain.Hash) {
	must.Hold(id.UnmarshalText([]byte(ContentSafetyID)) == nil, "the id of the model that ships is no hash")
	return id
}
