package requester

import (
	"context"
	"encoding/base64"
	"fmt"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Fetch gives an output's tensors, from the node's blobs if need be, checked against what the worker was paid for.
func (o *Output) Fetch(ctx context.Context, c *client.Client) ([]*tensor.Tensor, error) {
	data := []byte(o.Bytes)
	if o.Blob != nil {
		var text *string
		if err := c.Call(ctx, &text, "aiwork_getBlob", *o.Blob); err != nil {
			return nil, err
		}
		if text == nil {
			return nil, fmt.Errorf("result %s: the node cannot find it; results are kept for some minutes after a job has closed", o.Blob)
		}
		var err error
		if data, err = base64.StdEncoding.DecodeString(*text); err != nil || blake3.Sum256(data) != *o.Blob {
			return nil, fmt.Errorf("result %s: the node sent other bytes: ask another one", o.Blob)
		}
	}
	list, err := net.DecodeList(data, job.ResultBytesMax)
	if err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	var out []*tensor.Tensor
	for i := range list {
		t, err := lower.TensorOf(list[i].Type, list[i].Shape, list[i].Bytes)
		if err != nil {
			return nil, fmt.Errorf("result: tensor %d: %w", i, err)
		}
		out = append(out, t)
	}
	return out, nil
}
