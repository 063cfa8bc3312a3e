package inference

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

const (
	headerLengthName = "Inference-Header-Content-Length"
	onlyVersion      = "1" // a network's id changes with its content, so it has no versions
	platformName     = "aiwork_aiw1"
	itemBytesMax     = 4<<20 + 4
)

func (s *Server) serverMetadata(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, struct {
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Extensions []string `json:"extensions"`
	}{"aiwork-node", s.opts.Version, []string{"binary_tensor_data"}})
}

// listNetworks tells the names of models of tensors, and of upstreams, which may be.
func (s *Server) listNetworks(w http.ResponseWriter, _ *http.Request) {
	names := []string{}
	if s.opts.Networks != nil {
		for _, n := range s.opts.Networks.list {
			names = append(names, n.name)
		}
	}
	for _, u := range s.opts.Upstreams {
		names = append(names, u.options.Name)
	}
	s.writeJSON(w, http.StatusOK, map[string][]string{"models": names})
}

// live answers as long as the process does; ready until the server is told to end.
func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, map[string]bool{"live": true})
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	if s.ending.Load() {
		status = http.StatusServiceUnavailable
	}
	s.writeJSON(w, status, map[string]bool{"ready": status == http.StatusOK})
}

// network finds the model of a path; those of language have their own interface.
func (s *Server) network(r *http.Request) (*network, *Fault) {
	name, version := r.PathValue("model"), r.PathValue("version")
	w := s.networks[name]
	switch {
	case s.languages[name] != nil:
		return nil, faultf(http.StatusNotFound, "language", "%s is a language model: ask at /v1/completions or /v1/chat/completions", name)
	case w == nil:
		return nil, noModel(name)
	case version != "" && version != onlyVersion:
		return nil, faultf(http.StatusNotFound, "version", "%s has no version %q, only %s", name, version, onlyVersion)
	}
	return w, nil
}

func (s *Server) modelReady(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("model")
	if u := s.upstreams[name]; u != nil {
		if u.down.Load() {
			s.refuse(w, r, faultf(http.StatusServiceUnavailable, "upstream_down", "the server behind %s does not answer", name))
			return
		}
		s.writeJSON(w, http.StatusOK, map[string]any{"name": name, "ready": true})
		return
	}
	if s.languages[name] == nil {
		if _, fault := s.network(r); fault != nil {
			s.refuse(w, r, fault)
			return
		}
	}
	s.writeJSON(w, http.StatusOK, map[string]any{"name": name, "ready": true})
}

// modelMetadata is what is told of a network.
type modelMetadata struct {
	Name       string         `json:"name"`
	Versions   []string       `json:"versions"`
	Platform   string         `json:"platform"`
	Inputs     []port         `json:"inputs"`
	Outputs    []port         `json:"outputs"`
	Parameters map[string]any `json:"parameters"`
}

func (s *Server) modelMetadata(w http.ResponseWriter, r *http.Request) {
	if u := s.upstreams[r.PathValue("model")]; u != nil {
		s.upstreamMetadata(w, r, u)
		return
	}
	n, fault := s.network(r)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	p, release, fault := s.opts.Networks.use(n)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer release()
	w.Header().Set(classHeader, classExact)
	parameters := map[string]any{"aiwork_class": classExact, "aiwork_id": n.id}
	if p.head != nil && len(p.head.Labels) > 0 {
		parameters["labels"] = p.head.Labels
	}
	s.writeJSON(w, http.StatusOK, modelMetadata{n.name, []string{onlyVersion}, platformName, p.ports, p.outs, parameters})
}

// given is what a run is given: tensors, or the bytes of an item where the network's form is one.
type given struct {
	tensors []*tensor.Tensor
	item    []byte
}

// infer answers a run. What the body holds is decoded when it is its turn, so that it does not grow while it waits.
func (s *Server) infer(w http.ResponseWriter, r *http.Request) {
	if u := s.upstreams[r.PathValue("model")]; u != nil {
		s.forwardInfer(w, r, u)
		return
	}
	n, fault := s.network(r)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	body, release, fault := s.body(w, r, s.opts.Limits.TensorBytesMax)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer release()
	turns, timeout := s.runs, s.opts.Limits.RunTimeout
	if s.opts.Jobs != nil {
		turns, timeout = s.jobs, s.opts.Limits.JobTimeout
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	if fault := turns.enter(ctx); fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer turns.leave()
	q, outputs, fault := s.inferOn(ctx, w, n, r, body)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	w.Header().Set(classHeader, classExact)
	s.writeOutputs(w, r, n, q, outputs)
}

// inferOn decodes a request and runs it, here or as a job.
func (s *Server) inferOn(ctx context.Context, w http.ResponseWriter, n *network, r *http.Request, body []byte) (*inferRequest, result, *Fault) {
	p, release, fault := s.opts.Networks.use(n)
	if fault != nil {
		return nil, result{}, fault
	}
	defer release()
	q, fault := readInfer(p, r.Header.Get(headerLengthName), body)
	if fault != nil {
		return nil, result{}, fault
	}
	var outputs result
	if s.opts.Jobs != nil {
		q.told, outputs, fault = s.order(ctx, w, n, p, q.in)
	} else {
		outputs, fault = p.run(ctx, q.in)
	}
	return q, outputs, fault
}

// inferRequest is a request for a run, as far as its answer depends on it.
type inferRequest struct {
	id      string
	in      given
	outputs []wanted
	told    map[string]any // of the job that it was
}

// wanted is an output that the caller wants.
type wanted struct {
	index  int
	binary bool
}

// splitBody cuts the JSON of a body from the tensors behind it.
func splitBody(length string, body []byte) (head, rest []byte, fault *Fault) {
	if length == "" {
		return body, nil, nil
	}
	n, err := strconv.ParseUint(length, 10, 62)
	if err != nil || n > uint64(len(body)) {
		return nil, nil, wrong(headerLengthName, "%s is %.20q, the body has %d bytes", headerLengthName, length, len(body))
	}
	return body[:n], body[n:], nil
}

func readInfer(p *prepared, length string, body []byte) (*inferRequest, *Fault) {
	head, rest, fault := splitBody(length, body)
	if fault != nil {
		return nil, fault
	}
	f, fault := parseForm(head)
	if fault != nil {
		return nil, fault
	}
	q := &inferRequest{id: f.text("id")}
	parameters := f.sub("parameters")
	binaryAll := parameters.flag("binary_data_output")
	f.nested("parameters", parameters)
	inputs, outputs := f.list("inputs"), f.list("outputs")
	if fault := f.done(); fault != nil {
		return nil, fault
	}
	if q.outputs, fault = readWanted(p, outputs, binaryAll); fault != nil {
		return nil, fault
	}
	q.in, fault = readInputs(p, inputs, rest)
	return q, fault
}

// readInputs takes the inputs in the order of the network; those in binary form lie in the order of the request.
func readInputs(p *prepared, list []*form, rest []byte) (in given, fault *Fault) {
	if len(list) != len(p.ports) {
		return in, wrong("inputs", "%d inputs, want %d", len(list), len(p.ports))
	}
	in.tensors = make([]*tensor.Tensor, len(p.ports))
	seen := make([]bool, len(p.ports))
	for _, f := range list {
		name := f.text("name")
		at := slices.IndexFunc(p.ports, func(o port) bool { return o.Name == name })
		if at < 0 || seen[at] {
			return in, wrong("inputs", "input %.64q is unknown or there twice: the inputs are %s", name, names(p.ports))
		}
		seen[at] = true
		if rest, fault = in.read(p, at, f, rest); fault != nil {
			return in, fault
		}
	}
	if len(rest) > 0 {
		return in, wrong("inputs", "%d bytes follow that are no input's", len(rest))
	}
	return in, nil
}

func names(list []port) (out []string) {
	for _, p := range list {
		out = append(out, p.Name)
	}
	return out
}

// read takes one input and gives what is left of the tensors in binary form.
func (in *given) read(p *prepared, at int, f *form, rest []byte) ([]byte, *Fault) {
	want := p.ports[at]
	datatype := f.text("datatype")
	var shape []int
	f.read("shape", "a list of sizes", &shape)
	parameters := f.sub("parameters")
	size := parameters.whole("binary_data_size", -1, 0, int64(len(rest)))
	f.nested("parameters", parameters)
	data, there := f.take("data")
	asBytes := p.takesItem() && datatype == "UINT8" // a list of bytes instead of one element
	if datatype != want.Datatype && !asBytes {
		f.refuse(wrong("inputs", "input %s: datatype %.16q, want %s", want.Name, datatype, want.Datatype))
	}
	if there == (size >= 0) {
		f.refuse(wrong("inputs", "input %s: want either data or binary_data_size", want.Name))
	}
	if fault := f.done(); fault != nil {
		return nil, fault
	}
	raw := rest[:max(size, 0)]
	var err error
	switch {
	case asBytes:
		err = in.setElements(shape, data, raw)
	case there:
		err = in.setJSON(p, at, shape, data)
	default:
		err = in.setBytes(p, at, shape, raw)
	}
	if err != nil {
		return nil, wrong("inputs", "input %s: %v", want.Name, err)
	}
	return rest[len(raw):], nil
}

// setElements takes an item as a tensor of bytes.
func (in *given) setElements(shape []int, data json.RawMessage, raw []byte) (err error) {
	var t *tensor.Tensor
	if data != nil {
		t, err = parseElements(tensor.Uint8, shape, data)
	} else {
		t, err = tensor.FromRaw(tensor.Uint8, shape, raw)
	}
	if err == nil {
		in.item = t.Raw()
	}
	return err
}

func (in *given) setJSON(p *prepared, at int, shape []int, data json.RawMessage) (err error) {
	if p.takesItem() {
		var list [][]byte // base64, as Go reads bytes
		if json.Unmarshal(data, &list) != nil || len(list) != 1 || !slices.Equal(shape, []int{1}) {
			return fmt.Errorf("want shape [1] and data of one text, %s in base64", p.form())
		}
		in.item = list[0]
		return nil
	}
	kind, _ := typeOfDatatype(p.ports[at].Datatype)
	in.tensors[at], err = parseElements(kind, shape, data)
	return err
}

func (in *given) setBytes(p *prepared, at int, shape []int, data []byte) (err error) {
	if p.takesItem() {
		if len(data) < 4 || int64(binary.LittleEndian.Uint32(data)) != int64(len(data)-4) || len(data) > itemBytesMax || !slices.Equal(shape, []int{1}) {
			return fmt.Errorf("want shape [1] and one element: its length in 4 bytes, then %s", p.form())
		}
		in.item = data[4:]
		return nil
	}
	kind, _ := typeOfDatatype(p.ports[at].Datatype)
	in.tensors[at], err = tensor.FromRaw(kind, shape, data)
	return err
}

// readWanted takes the outputs that are wanted; none named are all.
func readWanted(p *prepared, list []*form, binaryAll bool) (out []wanted, fault *Fault) {
	if list == nil {
		for i := range p.outs {
			out = append(out, wanted{i, binaryAll})
		}
		return out, nil
	}
	for _, f := range list {
		name := f.text("name")
		at := slices.IndexFunc(p.outs, func(o port) bool { return o.Name == name })
		if at < 0 || slices.ContainsFunc(out, func(w wanted) bool { return w.index == at }) {
			return nil, wrong("outputs", "output %.64q is unknown or there twice: the outputs are %s", name, names(p.outs))
		}
		w := wanted{at, binaryAll}
		parameters := f.sub("parameters")
		parameters.read("binary_data", "true or false", &w.binary)
		f.nested("parameters", parameters)
		if fault := f.done(); fault != nil {
			return nil, fault
		}
		out = append(out, w)
	}
	return out, nil
}

// inferReply is an answer to a run.
type inferReply struct {
	Model      string         `json:"model_name"`
	Version    string         `json:"model_version"`
	ID         string         `json:"id,omitempty"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Outputs    []output       `json:"outputs"`
}

type output struct {
	port
	Parameters map[string]int  `json:"parameters,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
}

func (s *Server) writeOutputs(w http.ResponseWriter, r *http.Request, n *network, q *inferRequest, got result) {
	reply := inferReply{Model: n.name, Version: onlyVersion, ID: q.id, Parameters: map[string]any{"aiwork_class": classExact}, Outputs: []output{}}
	maps.Copy(reply.Parameters, q.told)
	if got.answer != nil {
		s.writeAnswer(w, q, reply, got.answer)
		return
	}
	var rest []byte
	for _, o := range q.outputs {
		t := got.tensors[o.index]
		if int64(len(rest)+t.Bytes()) > s.opts.Limits.TensorBytesMax {
			s.refuse(w, r, faultf(http.StatusUnprocessableEntity, "too_large", "the outputs have over %d bytes", s.opts.Limits.TensorBytesMax))
			return
		}
		out := output{port: port{fmt.Sprintf("output_%d", o.index), datatypeOf(t.Type()), []int64{}}}
		for _, d := range t.Shape() {
			out.Shape = append(out.Shape, int64(d))
		}
		if o.binary {
			raw := t.Raw()
			out.Parameters = map[string]int{"binary_data_size": len(raw)}
			rest = append(rest, raw...)
		} else {
			var err error
			if out.Data, err = appendElements(nil, t); err != nil {
				s.refuse(w, r, faultf(http.StatusUnprocessableEntity, "not_finite", "output_%d: %v", o.index, err))
				return
			}
		}
		reply.Outputs = append(reply.Outputs, out)
	}
	s.writeInfer(w, q, reply, rest)
}

// writeAnswer writes a pipeline's answer, which is JSON itself, as one element of bytes.
func (s *Server) writeAnswer(w http.ResponseWriter, q *inferRequest, reply inferReply, answer []byte) {
	var rest []byte
	for _, o := range q.outputs {
		out := output{port: port{"answer", bytesDatatype, []int64{1}}}
		if o.binary {
			rest = append(binary.LittleEndian.AppendUint32(rest, uint32(len(answer))), answer...)
			out.Parameters = map[string]int{"binary_data_size": 4 + len(answer)}
		} else {
			out.Data, _ = json.Marshal([]string{string(answer)}) // a list of texts always can be
		}
		reply.Outputs = append(reply.Outputs, out)
	}
	s.writeInfer(w, q, reply, rest)
}

// writeInfer writes an answer: JSON alone, or with the tensors that were wanted in binary form behind it.
func (s *Server) writeInfer(w http.ResponseWriter, q *inferRequest, reply inferReply, rest []byte) {
	if !slices.ContainsFunc(q.outputs, func(o wanted) bool { return o.binary }) {
		s.writeJSON(w, http.StatusOK, reply)
		return
	}
	head, err := json.Marshal(reply)
	if err != nil {
		s.opts.Log.Error("answer not encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set(headerLengthName, strconv.Itoa(len(head)))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(head)+len(rest)))
	w.WriteHeader(http.StatusOK)
	s.write(w, head)
	s.write(w, rest)
}
