package testnet

import (
	"errors"
	"os"
)

// Ports of networks that a test makes lie below those that the system gives to outgoing connections.
const (
	testPortsFirst = 20_000
	testPortsStep  = 150
	testPortsTries = 80
)

// ChoosePorts sets ports that are free at the moment, for networks that run beside others.
func (l *Layout) ChoosePorts() error {
	start := os.Getpid() % testPortsTries
	for i := range testPortsTries {
		base := testPortsFirst + (start+i)%testPortsTries*testPortsStep
		l.RPCPort, l.MetricsPort, l.P2PPort = base, base+50, base+100
		if (&Cluster{Layout: *l}).CheckPorts() == nil {
			return nil
		}
	}
	return errors.New("no free ports: stop other networks of this machine")
}
