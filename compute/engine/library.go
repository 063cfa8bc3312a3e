package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A Library is what an engine can run: models, pipelines of them, and language models.
type Library struct {
	Models    model.Library
	Pipelines pipeline.Store
	Languages language.Store
	Packed    packed.Folder // where weights are kept as the kernels take them
	// Device opens the device that networks run on, which must be of the same contract; nil: they run on the processor.
	Device func() (Device, error)

	device *accelerator
	note   func(kind NoteKind, text string)
}

// LibraryOf gives what lies in a folder, and the models of these files.
func LibraryOf(folder string, files []*model.File) Library {
	return Library{
		Models: model.Library{Files: files, Store: model.Store{Dir: folder}}, Pipelines: pipeline.Store{Dir: folder}, Languages: language.Store{Dir: folder},
	}
}

// Infos lists all that can be run, at most modelsMax: what ships, then pipelines, language models, and the other models. A pipeline
// that lacks a model is left out.
func (l Library) Infos() ([]ModelInfo, error) {
	entries, err := l.Models.List()
	var list []ModelInfo
	for i := range l.Models.Files {
		list = append(list, infoOf(&entries[i]))
	}
	specs, err2 := l.Pipelines.List()
	for _, s := range specs {
		if l.complete(s) {
			list = append(list, ModelInfo{ID: s.ID(), Name: s.Name, Input: s.Kind.Input(), Output: "json", Licence: "that of its models"})
		}
	}
	languages, err3 := l.Languages.List()
	for _, e := range languages {
		if e.Err == nil {
			list = append(list, ModelInfo{ID: e.ID, Name: e.Name, Input: InputPrompt, Output: OutputText, Licence: firstLine(e.Licence)})
		}
	}
	for i := range entries[len(l.Models.Files):] {
		list = append(list, infoOf(&entries[len(l.Models.Files)+i]))
	}
	return list[:min(len(list), modelsMax)], errors.Join(err, err2, err3)
}

func (l Library) complete(s *pipeline.Spec) bool {
	for _, r := range s.Roles {
		if !l.Models.Has(r.Model) {
			return false
		}
	}
	return true
}

// What language models take and give, as ModelInfo tells it.
const (
	InputPrompt = "prompt"
	OutputText  = "text"
)

// A runnable is a model or pipeline that is ready in this process. It is for one caller at a time.
type runnable interface {
	Run(ctx context.Context, input []byte) ([]byte, error)
	// Follows says whether a result is what Run gives for an input. Its errors are those of Run.
	Follows(ctx context.Context, input, result []byte) (bool, error)
	// Settle is called between items and says whether to close it and open it anew is worth while: it takes less memory then.
	Settle() bool
	Close()
}

// open readies a model or pipeline, in a process with so much memory. Its error is model.ErrNoModel where there is none, or what is
// wrong with this machine.
func (l Library) open(id chain.Hash, threads int, memoryBytes uint64) (runnable, error) {
	if l.Languages.Has(id) {
		return l.speaker(id, threads, memoryBytes)
	}
	c, err := l.Compile(id, threads)
	if err == nil {
		return c, nil
	}
	if !model.IsNoModel(err) {
		return nil, err
	}
	s, err := l.Pipelines.Get(id)
	if errors.Is(err, pipeline.ErrNone) {
		return nil, fmt.Errorf("%s: %w", id, model.ErrNoModel)
	}
	if err != nil {
		return nil, err
	}
	return l.join(s, threads)
}

// A joined is a pipeline with the networks that it holds.
type joined struct {
	pipeline *pipeline.Pipeline
	networks []*Compiled
}

func (l Library) join(s *pipeline.Spec, threads int) (runnable, error) {
	j := &joined{}
	var err error
	j.pipeline, err = pipeline.Open(s, func(id chain.Hash) (vision.Runner, error) {
		c, err := l.Compile(id, threads)
		if err != nil {
			return nil, err
		}
		j.networks = append(j.networks, c)
		return networked{c}, nil
	})
	if err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

// Run gives a pipeline's result: the root of its trace and the answer. An error of a network is a fault of the input that led to it, unless it is one of this machine.
func (j *joined) Run(ctx context.Context, input []byte) ([]byte, error) {
	if len(input) > image.InputBytesMax {
		return nil, &InputError{Fault: image.FaultBytes}
	}
	result, _, err := j.course(ctx, input)
	if err != nil {
		return nil, err
	}
	return tamper(result, input), nil
}

// course gives a pipeline's result and its steps.
func (j *joined) course(ctx context.Context, input []byte) ([]byte, *pipeline.Trace, error) {
	answer, trace, err := j.pipeline.Trace(ctx, input)
	if err == nil {
		return pipeline.EncodeResult(trace.Root(), answer), trace, nil
	}
	return nil, nil, j.fault(ctx, err)
}

// fault says whose fault an error of a run is.
func (j *joined) fault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if bad, ok := errors.AsType[*pipeline.InputError](err); ok {
		return &InputError{Fault: bad.Fault}
	}
	if _, ok := errors.AsType[*operator.LimitError](err); ok {
		return &InputError{Fault: image.FaultDimensions}
	}
	return &InputError{Fault: image.FaultShape}
}

// Follows runs the pipeline again.
func (j *joined) Follows(ctx context.Context, input, result []byte) (bool, error) {
	return runsAgain(ctx, j, input, result)
}

// Settle settles the networks.
func (j *joined) Settle() (anew bool) {
	for _, c := range j.networks {
		anew = c.Settle() || anew
	}
	return anew
}

// Close gives the networks' threads back.
func (j *joined) Close() {
	for _, c := range j.networks {
		c.Close()
	}
}
