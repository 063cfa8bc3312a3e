// Package builtin holds the models that ship in the binary.
//
// There is one so far: content-safety, the mobilenet_v2 of the npm package nsfwjs 4.3.0 (MIT licence,
// kept inside the file), which gives a picture's probabilities for Drawing, Hentai, Neutral, Porn and
// Sexy. tools/convert-nsfwjs writes its file; a test compares the two. What it gets wrong is told in
// docs/third-party.md.
package builtin

import (
	_ "embed" // the model file

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
)

//go:embed content-safety.aiwm
var contentSafety string

// ContentSafetyID is the id of the content-safety model. It is a constant so that a changed file, which
// would be another model, does not go unnoticed.
const ContentSafetyID = "0x5e607dbf0004f4dff7c6bea2bd57da23986f61cb87997789ea81cfffc9f9b649"

// ContentSafety decodes the content-safety model. It takes some milliseconds: keep the result.
func ContentSafety() (*model.Model, error) { return model.Decode([]byte(contentSafety)) }

// Models decodes all models that ship.
func Models() ([]*model.Model, error) {
	m, err := ContentSafety()
	if err != nil {
		return nil, err
	}
	return []*model.Model{m}, nil
}

// ContentSafetyHash is ContentSafetyID as a hash.
func ContentSafetyHash() chain.Hash { return model.IDOf([]byte(contentSafety)) }
