package catalog

import (
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A recipe makes a pipeline of models by their names, and of files of their package.
type recipe struct {
	name  string
	kind  pipeline.Kind
	roles map[string]string // role: name of the model
	files map[string]string // name: path
}

func recipes() []recipe {
	return []recipe{
		{
			"ocr", pipeline.OCR,
			map[string]string{"detection": "text-detector", "direction": "text-direction", "recognition": "text-recogniser"},
			map[string]string{"keys": "assets/ppocr_keys_v1.txt"},
		},
		{"faces", pipeline.Faces, map[string]string{"detector": "face-detector", "landmarks": "face-landmarks", "descriptor": "face-descriptor"}, nil},
		{"speech", pipeline.Speech, map[string]string{"activity": "voice-activity-16k"}, nil},
	}
}

// Pipelines gives those that can be made of the models of a package that were stored, by name with their ids, and its files.
func Pipelines(models map[string]chain.Hash, files Files) (list []*pipeline.Spec) {
	for _, r := range recipes() {
		if s := r.make(models, files); s != nil {
			list = append(list, s)
		}
	}
	return list
}

func (r *recipe) make(models map[string]chain.Hash, files Files) *pipeline.Spec {
	s := &pipeline.Spec{Name: r.name, Kind: r.kind}
	for role, name := range r.roles {
		id, ok := models[name]
		if !ok {
			return nil
		}
		s.Roles = append(s.Roles, pipeline.Role{Name: role, Model: id})
	}
	for name, path := range r.files {
		data, ok := files[path]
		if !ok {
			return nil
		}
		s.Files = append(s.Files, pipeline.File{Name: name, Data: data})
	}
	s.Sort()
	return s
}
