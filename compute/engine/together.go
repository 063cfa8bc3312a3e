package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// together is the child's side of a company: items of one language model on their way.
type together struct {
	id      chain.Hash // of the model
	speaker *speaker
	items   map[int]guest // by their numbers in the model
}

// A guest is an item of a company.
type guest struct {
	number uint32
	input  []byte
}

// An arrival is a frame of the parent, or the end of them.
type arrival struct {
	kind byte
	body []byte
	err  error
}

// run serves frames until they end. While items run together it looks for frames between their steps.
func (s *shop) run(ctx context.Context, in io.Reader, out io.Writer) error {
	arrivals, over := make(chan arrival), make(chan struct{})
	defer close(over)
	go func() { // ends with the parent's frames, at the latest with this process
		for {
			kind, body, err := readFrame(in)
			select {
			case arrivals <- arrival{kind, body, err}:
			case <-over:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		a, here := arrival{}, true
		if len(s.together.items) == 0 {
			a = <-arrivals
		} else {
			select {
			case a = <-arrivals:
			default:
				here = false
			}
		}
		if a.err != nil {
			return a.err
		}
		var err error
		if here {
			err = s.one(ctx, out, a.kind, a.body)
		} else {
			err = s.step(ctx, out)
		}
		if err != nil {
			return err
		}
	}
}

const numberBytes = 4 // of an item in company

// join begins an item among others of its model.
func (s *shop) join(out io.Writer, body []byte) error {
	t := &s.together
	if len(body) < numberBytes+len(chain.Hash{}) {
		return errFrame
	}
	number, id, input := binary.LittleEndian.Uint32(body), chain.Hash(body[numberBytes:]), body[numberBytes+len(chain.Hash{}):]
	if len(t.items) > 0 && t.id != id {
		return errFrame
	}
	if len(t.items) == 0 {
		r, err := s.find(id)
		if model.IsNoModel(err) {
			return s.done(out, number, kindUnknownModel, id[:])
		}
		if err != nil {
			return err
		}
		speaker, ok := r.(*speaker)
		if !ok {
			return errFrame
		}
		*t = together{id, speaker, map[int]guest{}}
	}
	item, err := t.speaker.Begin(input)
	if err != nil {
		return s.failed(out, number, err)
	}
	t.items[item] = guest{number, input}
	return nil
}

// leave lets an item go, unless it has ended.
func (s *shop) leave(out io.Writer, body []byte) error {
	if len(body) != numberBytes {
		return errFrame
	}
	for item, g := range s.together.items {
		if g.number == binary.LittleEndian.Uint32(body) {
			s.together.speaker.Leave(item)
			delete(s.together.items, item)
			return s.done(out, g.number, kindLeft, nil)
		}
	}
	return nil
}

// step brings the company further.
func (s *shop) step(ctx context.Context, out io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done, err := s.together.speaker.Step()
	if err != nil {
		return err
	}
	for _, d := range done {
		g := s.together.items[d.ID]
		delete(s.together.items, d.ID)
		if d.Err != nil {
			err = s.failed(out, g.number, d.Err)
		} else {
			err = s.done(out, g.number, kindOutput, tamperAnswer(d.Result, g.input))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// failed tells why an item has no result: its fault, or what this machine lacks for it.
func (s *shop) failed(out io.Writer, number uint32, err error) error {
	if bad, ok := errors.AsType[*InputError](asInputError(err)); ok {
		return s.done(out, number, kindInputFault, []byte{byte(bad.Fault)})
	}
	text := err.Error()
	return s.done(out, number, kindNoRoom, []byte(text[:min(len(text), wordsBytesMax)]))
}

func (s *shop) done(out io.Writer, number uint32, kind byte, body []byte) error {
	if err := s.tell(out); err != nil {
		return err
	}
	return writeFrame(out, kindDone, append(append(binary.LittleEndian.AppendUint32(nil, number), kind), body...))
}
