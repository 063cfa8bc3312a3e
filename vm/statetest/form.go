package statetest

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// number is an integer below 2^256 in hexadecimal, leading zeros allowed.
type number struct{ uint256.Int }

func (n *number) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("%q: want hexadecimal with 0x", text)
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		n.Clear()
		return nil
	}
	return n.SetFromHex("0x" + digits)
}

// word is a 32-byte value whose leading zeros may be left out.
type word chain.Hash

func (w *word) UnmarshalText(text []byte) error {
	var n number
	err := n.UnmarshalText(text)
	*w = n.Bytes32()
	return err
}

// UnmarshalJSON hides that of uint256, which refuses leading zeros.
func (n *number) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' {
		return fmt.Errorf("%s: want a string", b)
	}
	return n.UnmarshalText(b[1 : len(b)-1])
}

type bytesHex []byte

func (b *bytesHex) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("%.20q: want hexadecimal with 0x", text)
	}
	raw, err := hex.DecodeString(digits)
	*b = raw
	return err
}

// receiver is an address, or empty for a creation.
type receiver struct{ addr *chain.Address }

func (r *receiver) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	r.addr = new(chain.Address)
	return r.addr.UnmarshalText(text)
}

type test struct {
	Info json.RawMessage            `json:"_info"`
	Env  env                        `json:"env"`
	Pre  map[chain.Address]account0 `json:"pre"`
	Tx   transaction                `json:"transaction"`
	Post map[string][]post          `json:"post"`
	Conf config                     `json:"config"`
}

type account0 struct {
	Nonce   number        `json:"nonce"`
	Balance number        `json:"balance"`
	Code    bytesHex      `json:"code"`
	Storage map[word]word `json:"storage"`
}

type env struct {
	Coinbase      chain.Address `json:"currentCoinbase"`
	GasLimit      number        `json:"currentGasLimit"`
	Number        number        `json:"currentNumber"`
	Timestamp     number        `json:"currentTimestamp"`
	Random        *number       `json:"currentRandom"`
	Difficulty    *number       `json:"currentDifficulty"`
	BaseFee       *number       `json:"currentBaseFee"`
	ExcessBlobGas *number       `json:"currentExcessBlobGas"`
	// Older files name these; nothing in a state test depends on them.
	PreviousHash json.RawMessage `json:"previousHash"`
	Withdrawals  json.RawMessage `json:"currentWithdrawalsRoot"`
	BeaconRoot   json.RawMessage `json:"currentBeaconRoot"`
	BlobGasUsed  json.RawMessage `json:"currentBlobGasUsed"`
}

type transaction struct {
	Nonce       number           `json:"nonce"`
	GasLimit    []number         `json:"gasLimit"`
	GasPrice    *number          `json:"gasPrice"`
	FeeCap      *number          `json:"maxFeePerGas"`
	TipCap      *number          `json:"maxPriorityFeePerGas"`
	To          receiver         `json:"to"`
	Value       []number         `json:"value"`
	Data        []bytesHex       `json:"data"`
	AccessLists []*[]accessTuple `json:"accessLists"`
	BlobFeeCap  *number          `json:"maxFeePerBlobGas"`
	BlobHashes  *[]chain.Hash    `json:"blobVersionedHashes"`
	Auths       *[]authorization `json:"authorizationList"`
	Sender      *chain.Address   `json:"sender"`
	SecretKey   word             `json:"secretKey"`
}

type accessTuple struct {
	Address chain.Address `json:"address"`
	Slots   []chain.Hash  `json:"storageKeys"`
}

type authorization struct {
	ChainID number        `json:"chainId"`
	Address chain.Address `json:"address"`
	Nonce   number        `json:"nonce"`
	V       number        `json:"v"`
	R       number        `json:"r"`
	S       number        `json:"s"`
	YParity *number       `json:"yParity"`
	Signer  chain.Address `json:"signer"`
}

type post struct {
	Hash    chain.Hash                  `json:"hash"`
	Logs    chain.Hash                  `json:"logs"`
	TxBytes bytesHex                    `json:"txbytes"`
	State   *map[chain.Address]account0 `json:"state"`
	Refused string                      `json:"expectException"`
	Indexes struct {
		Data  int `json:"data"`
		Gas   int `json:"gas"`
		Value int `json:"value"`
	} `json:"indexes"`
}

type config struct {
	ChainID number                  `json:"chainid"`
	Blobs   map[string]blobSchedule `json:"blobSchedule"`
}

type blobSchedule struct {
	Target   number `json:"target"`
	Max      number `json:"max"`
	Fraction number `json:"baseFeeUpdateFraction"`
}
