package inference

// A pipeline is asked for like a network, in every form that an item can have, and answers with the bytes that it has by itself.

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/pipeline/pipelinetest"
)

func TestPipeline(t *testing.T) {
	folder := t.TempDir()
	spec := pipelinetest.Loud(t, folder)
	o := testOptions()
	n, err := OpenNetworks(engine.LibraryOf(folder, nil), 1, o.Limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	o.Networks = n
	s := serve(t, o)
	p := &prepared{}
	p.prepare(n.library.Models, n.byName[pipelinetest.Name], 1)
	if p.err != nil {
		t.Fatal(p.err)
	}
	defer p.close()
	sound := pipelinetest.Recording()
	want, fault := p.run(context.Background(), given{item: sound})
	if fault != nil || !strings.Contains(string(want.answer), `"speech":[[`) {
		t.Fatalf("%v %s", fault, want.answer)
	}
	if _, _, b := s.get("/v2/models/" + spec.ID().String()); !strings.Contains(string(b), `"inputs":[{"name":"recording","datatype":"BYTES","shape":[1]}]`) ||
		!strings.Contains(string(b), `"outputs":[{"name":"answer","datatype":"BYTES","shape":[1]}]`) {
		t.Errorf("metadata: %s", b)
	}
	const path = "/v2/models/" + pipelinetest.Name + "/infer"
	numbers, _ := json.Marshal(bytesAsInts(sound))
	for _, in := range []string{
		fmt.Sprintf(`"shape":[1],"datatype":"BYTES","data":["%s"]`, base64.StdEncoding.EncodeToString(sound)),
		fmt.Sprintf(`"shape":[%d],"datatype":"UINT8","data":%s`, len(sound), numbers),
	} {
		status, _, b := s.post(path, `{"inputs":[{"name":"recording",`+in+`}]}`)
		var r struct {
			Outputs []struct {
				Name, Datatype string
				Data           []string
			}
		}
		if err := json.Unmarshal(b, &r); err != nil || status != 200 || len(r.Outputs) != 1 || r.Outputs[0].Data[0] != string(want.answer) {
			t.Errorf("%.60s: %d %s, want %s", in, status, b, want.answer)
		}
	}
	s.inBinary(path, `"shape":[1],"datatype":"BYTES"`, append(binary.LittleEndian.AppendUint32(nil, uint32(len(sound))), sound...), want.answer)
	s.inBinary(path, fmt.Sprintf(`"shape":[%d],"datatype":"UINT8"`, len(sound)), sound, want.answer)
	for _, in := range []string{
		`"shape":[1],"datatype":"BYTES","data":["UklGRg=="]`, `"shape":[2],"datatype":"BYTES","data":["UklGRg=="]`, `"shape":[3],"datatype":"UINT8","data":[1,2]`,
		`"shape":[1],"datatype":"FP32","data":[1]`, `"shape":[1],"datatype":"BYTES","data":[7]`,
	} {
		if status, _, b := s.post(path, `{"inputs":[{"name":"recording",`+in+`}]}`); status != 400 {
			t.Errorf("%s: %d %s", in, status, b)
		}
	}
}

func bytesAsInts(b []byte) (list []int) {
	for _, v := range b {
		list = append(list, int(v))
	}
	return list
}

// inBinary asks in the binary form and wants the answer in it.
func (s *served) inBinary(path, in string, data, want []byte) {
	s.t.Helper()
	head := fmt.Sprintf(`{"inputs":[{"name":"recording",%s,"parameters":{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}`, in, len(data))
	r, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(head+string(data)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set(headerLengthName, strconv.Itoa(len(head)))
	status, h, b := s.read(http.DefaultClient.Do(r))
	n, err := strconv.Atoi(h.Get(headerLengthName))
	if status != 200 || err != nil {
		s.t.Fatalf("%d %s", status, b)
	}
	if got := b[n:]; int(binary.LittleEndian.Uint32(got)) != len(want) || string(got[4:]) != string(want) {
		s.t.Errorf("%s: got %q, want %q", in, got, want)
	}
}
