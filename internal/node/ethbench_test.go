package node

import (
	"context"
	"encoding/json"
	"testing"
)

// BenchmarkCall measures methods that run code, from parameters to result, without the network.
func BenchmarkCall(b *testing.B) {
	w := newEthWorld(b)
	for _, c := range []struct{ name, method, params string }{
		{"call", "eth_call", `[{"to":"COUNTER"},"latest"]`},
		{"call/block=old", "eth_call", `[{"to":"COUNTER"},"0x2"]`},
		{"call/block=pending", "eth_call", `[{"to":"COUNTER"},"pending"]`},
		{"estimate", "eth_estimateGas", `[{"from":"ALICE","to":"COUNTER"}]`},
		{"accessList", "eth_createAccessList", `[{"from":"ALICE","to":"COUNTER"}]`},
		{"simulate", "eth_simulateV1", `[{"blockStateCalls":[{"calls":[{"from":"ALICE","to":"COUNTER"}]}]}]`},
		{"balance", "eth_getBalance", `["ALICE","latest"]`},
	} {
		b.Run("method="+c.name, func(b *testing.B) {
			m, fault := w.table.Lookup(c.method)
			if fault != nil {
				b.Fatal(fault)
			}
			params := json.RawMessage(w.fillIn(c.params))
			b.ReportAllocs()
			for b.Loop() {
				if _, fault := m.Call(context.Background(), params); fault != nil {
					b.Fatal(fault)
				}
			}
		})
	}
}
