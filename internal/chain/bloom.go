package chain

import "github.com/aiwork/aiwork-node/crypto/keccak"

// Bloom is Ethereum's filter of 2048 bits over the addresses and topics of logs. Bits are counted from
// the end: bit 0 is the lowest bit of the last byte.
type Bloom [256]byte

// Add sets the three bits of data.
func (b *Bloom) Add(data []byte) {
	for _, bit := range bloomBits(data) {
		b[len(b)-1-int(bit/8)] |= 1 << (bit % 8)
	}
}

// Has reports whether data may have been added: false is certain.
func (b *Bloom) Has(data []byte) bool {
	for _, bit := range bloomBits(data) {
		if b[len(b)-1-int(bit/8)]&(1<<(bit%8)) == 0 {
			return false
		}
	}
	return true
}

// Or adds all that o holds.
func (b *Bloom) Or(o *Bloom) {
	for i := range b {
		b[i] |= o[i]
	}
}

// AddLogs adds the address and topics of each log.
func (b *Bloom) AddLogs(logs []Log) {
	for i := range logs {
		b.Add(logs[i].Address[:])
		for j := range logs[i].Topics {
			b.Add(logs[i].Topics[j][:])
		}
	}
}

// bloomBits gives the lower 11 bits of each of the first three pairs of bytes of the hash of data.
func bloomBits(data []byte) [3]uint16 {
	sum := keccak.Sum256(data)
	var bits [3]uint16
	for i := range bits {
		bits[i] = (uint16(sum[2*i])<<8 | uint16(sum[2*i+1])) & 2047
	}
	return bits
}
