package inference

// The Open Inference Protocol over real HTTP, on networks that are made here: tensors of each type there and back as JSON and
// in binary form, equal to what the definitions compute; what does not fit is refused.

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

func networkFile(t testing.TB, name string, g *onnx.Graph) *model.File {
	t.Helper()
	made := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}
	read, err := onnx.DecodeModel(onnx.EncodeModel(made)) // as a file
	if err != nil {
		t.Fatal(err)
	}
	m, err := lower.Lower(read, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	return &model.File{Name: name, Source: "test", Licence: "none", Model: m}
}

// doubledFile has an input of each type, whose rows it gives twice.
func doubledFile(t testing.TB) *model.File {
	g := &onnx.Graph{Name: "doubled"}
	for kind := tensor.Float32; kind <= tensor.Bool; kind++ {
		in, out := fmt.Sprint("in", kind), fmt.Sprint("out", kind)
		g.Inputs = append(g.Inputs, onnx.Value{Name: in, Type: kind, Ranks: true, Shape: []onnx.Dim{{Size: -1, Name: "n"}, {Size: 2}}})
		g.Outputs = append(g.Outputs, onnx.Value{Name: out, Type: kind})
		g.Nodes = append(g.Nodes, onnx.Node{
			Op: "Concat", Inputs: []string{in, in}, Outputs: []string{out}, Attrs: []onnx.Attr{{Name: "axis", Kind: onnx.AttrInt}},
		})
	}
	return networkFile(t, "doubled", g)
}

// logFile has one input and one output, which need not be finite.
func logFile(t testing.TB) *model.File {
	return networkFile(t, "log", &onnx.Graph{
		Name:   "log",
		Inputs: []onnx.Value{{Name: "x", Type: tensor.Float32}}, Outputs: []onnx.Value{{Name: "y", Type: tensor.Float32}},
		Nodes: []onnx.Node{{Op: "Log", Inputs: []string{"x"}, Outputs: []string{"y"}}},
	})
}

func serveNetworks(t testing.TB, change func(*Options), files ...*model.File) *served {
	t.Helper()
	o := testOptions()
	if change != nil {
		change(&o)
	}
	n, err := OpenNetworks(engine.LibraryOf("", files), 1, o.Limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	o.Networks = n
	return serve(t, o)
}

// extremes are two elements of each type, in bytes.
func extremes() (list [][]byte) {
	f := binary.LittleEndian.AppendUint32(nil, math.Float32bits(math.SmallestNonzeroFloat32))
	list = append(list, binary.LittleEndian.AppendUint32(f, math.Float32bits(-math.MaxFloat32)))
	for kind := tensor.Uint8; kind < tensor.Bool; kind++ {
		low, high := bytes.Repeat([]byte{0}, kind.Size()), bytes.Repeat([]byte{255}, kind.Size())
		if kind == tensor.Int8 || kind == tensor.Int16 || kind == tensor.Int32 || kind == tensor.Int64 {
			low[kind.Size()-1], high[kind.Size()-1] = 128, 127
		}
		list = append(list, append(low, high...))
	}
	return append(list, []byte{1, 0})
}

func TestInferTypes(t *testing.T) {
	s := serveNetworks(t, nil, doubledFile(t))
	var inputs, wanted []string
	var rest []byte
	for i, raw := range extremes() {
		kind := tensor.Float32 + tensor.Type(i)
		one, err := tensor.FromRaw(kind, []int{1, 2}, raw)
		if err != nil {
			t.Fatal(err)
		}
		text, err := appendElements(nil, one)
		if err != nil {
			t.Fatal(err)
		}
		head := fmt.Sprintf(`{"name":"input_%d","shape":[1,2],"datatype":"%s",`, i, datatypeOf(kind))
		if i%2 == 0 {
			inputs = append(inputs, head+`"data":[`+string(text)+`]}`)
		} else {
			inputs = append(inputs, head+fmt.Sprintf(`"parameters":{"binary_data_size":%d}}`, len(raw)))
			rest = append(rest, raw...)
		}
		wanted = append(wanted, fmt.Sprintf(`{"name":"output_%d","parameters":{"binary_data":%t}}`, i, i%3 == 0))
	}
	head := `{"id":"seven","inputs":[` + strings.Join(inputs, ",") + `],"outputs":[` + strings.Join(wanted, ",") + `]}`
	request, _ := http.NewRequest("POST", s.url+"/v2/models/doubled/versions/1/infer", strings.NewReader(head+string(rest)))
	request.Header.Set(headerLengthName, strconv.Itoa(len(head)))
	status, h, body := s.read(http.DefaultClient.Do(request))
	if status != http.StatusOK || h.Get(classHeader) != classExact {
		t.Fatalf("%d %v %s", status, h, body)
	}
	n, err := strconv.Atoi(h.Get(headerLengthName))
	if err != nil {
		t.Fatal(err)
	}
	var reply inferReply
	if err := json.Unmarshal(body[:n], &reply); err != nil || reply.ID != "seven" || reply.Model != "doubled" {
		t.Fatalf("%v: %s", err, body[:n])
	}
	rest = body[n:]
	for i, raw := range extremes() {
		want := append(append([]byte{}, raw...), raw...)
		o := reply.Outputs[i]
		var got []byte
		if size, there := o.Parameters["binary_data_size"]; there {
			got, rest = rest[:size], rest[size:]
		} else {
			kind, _ := typeOfDatatype(o.Datatype)
			v, err := parseElements(kind, []int{2, 2}, o.Data)
			if err != nil {
				t.Fatal(err)
			}
			got = v.Raw()
		}
		if !bytes.Equal(got, want) || fmt.Sprint(o.Shape) != "[2 2]" {
			t.Errorf("%s: %x of shape %v, want %x", o.Datatype, got, o.Shape, want)
		}
	}
	if len(rest) > 0 {
		t.Errorf("%d bytes are left", len(rest))
	}
}

func TestInferRefusals(t *testing.T) {
	s := serveNetworks(t, nil, logFile(t))
	const in = `{"name":"input_0","shape":[2],"datatype":"FP32","data":[1,2]}`
	for _, c := range []struct {
		body   string
		status int
	}{
		{`{"inputs":[` + in + `]}`, 200},
		{`{"inputs":[` + in + `],"parameters":{"binary_data_output":false},"id":"a"}`, 200},
		{`{"inputs":[{"name":"input_0","shape":[2,1],"datatype":"FP32","data":[[1],[2]]}]}`, 200},
		{`{"inputs":[{"name":"input_0","shape":[0],"datatype":"FP32","data":[]}]}`, 200},
		{`{}`, 400},
		{`{"inputs":[]}`, 400},
		{`{"inputs":[` + in + `,` + in + `]}`, 400},
		{`{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2],"datatype":"FP16","data":[1,2]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2],"datatype":"INT64","data":[1,2]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[3],"datatype":"FP32","data":[1,2]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","data":[1,2]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2,2],"datatype":"FP32","data":[[1,2,3],[4]]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2],"datatype":"FP32","data":[1,"2"]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2],"datatype":"FP32","data":[1,1e39]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2],"datatype":"FP32","data":[1,{}]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2],"datatype":"FP32","data":7}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[2],"datatype":"FP32"}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[-2],"datatype":"FP32","data":[]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[268435456],"datatype":"FP32","data":[1]}]}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}`, 400},
		{`{"inputs":[` + in + `],"outputs":[{"name":"y"}]}`, 400},
		{`{"inputs":[` + in + `],"outputs":[{"name":"output_0","parameters":{"classification":2}}]}`, 400},
		{`{"inputs":[` + in + `],"parameters":{"sequence_id":7}}`, 400},
		{`{"inputs":[` + in + `],"priority":1}`, 400},
		{`{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","data":[-1]}]}`, 422},
		{`{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","data":[-1]}],"parameters":{"binary_data_output":true}}`, 200},
	} {
		status, _, b := s.post("/v2/models/log/infer", c.body)
		var e kserveError
		if status != c.status || status != 200 && (json.Unmarshal(b, &e) != nil || e.Error == "") {
			t.Errorf("%s: %d %s, want %d", c.body, status, b, c.status)
		}
	}
	for path, want := range map[string]int{
		"/v2": 200, "/v2/models": 200, "/v2/health/live": 200, "/v2/health/ready": 200, "/v2/models/log": 200, "/v2/models/log/ready": 200,
		"/v2/models/log/versions/1": 200, "/v2/models/log/versions/2": 404, "/v2/models/none": 404, "/v2/models/none/ready": 404, "/v2/x": 404,
	} {
		if status, _, b := s.get(path); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, b, want)
		}
	}
	var m modelMetadata
	if _, _, b := s.get("/v2/models/log"); json.Unmarshal(b, &m) != nil || m.Inputs[0].Datatype != "FP32" || m.Parameters["aiwork_class"] != classExact {
		t.Errorf("%s", b)
	}
}

// Networks beyond the limit make room for each other, and come back.
func TestNetworksMakeRoom(t *testing.T) {
	s := serveNetworks(t, func(o *Options) { o.Limits.NetworksMax = 1 }, logFile(t), doubledFile(t))
	const in = `{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","data":[1]}]}`
	for range 3 {
		if status, _, b := s.post("/v2/models/log/infer", in); status != 200 || !strings.Contains(string(b), `"data":[0]`) {
			t.Errorf("%d %s", status, b)
		}
		if status, _, b := s.get("/v2/models/doubled"); status != 200 {
			t.Errorf("%d %s", status, b)
		}
	}
}

func FuzzElements(f *testing.F) {
	for _, seed := range []string{`[1,2]`, `[[1],[2]]`, `[]`, `[[],[]]`, `7`, `[{"a":1}]`, `[1e9,-0.5]`, `[true,false]`, `]`, `[[1,2],3]`} {
		f.Add(seed, uint8(1), uint8(2), uint8(1))
	}
	f.Fuzz(func(t *testing.T, text string, kind, rows, columns uint8) {
		shape := []int{int(rows % 4), int(columns % 4)}
		k := tensor.Float32 + tensor.Type(kind%10)
		v, err := parseElements(k, shape, json.RawMessage(text))
		if err != nil {
			return
		}
		again, err := appendElements(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		w, err := parseElements(k, shape, again)
		if err != nil || !bytes.Equal(v.Raw(), w.Raw()) {
			t.Fatalf("%s became %s, %v", text, again, err)
		}
	})
}

func FuzzInfer(f *testing.F) {
	n, err := OpenNetworks(engine.LibraryOf("", []*model.File{logFile(f)}), 1, DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(n.Close)
	p, release, fault := n.use(n.list[0])
	if fault != nil {
		f.Fatal(fault)
	}
	f.Cleanup(release)
	f.Add([]byte(`{"inputs":[{"name":"input_0","shape":[2],"datatype":"FP32","data":[1,2]}]}`), "")
	f.Add([]byte(`{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}1234`), "96")
	f.Fuzz(func(t *testing.T, body []byte, length string) {
		q, fault := readInfer(p, length, body)
		if fault == nil && (len(q.in.tensors) != 1 || q.in.tensors[0] == nil) {
			t.Fatal("a request without its input was taken")
		}
	})
}
