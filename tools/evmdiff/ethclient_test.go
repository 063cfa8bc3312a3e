package evmdiff

// What is tested: go-ethereum's own client against a running devnet. It is the strictest reader there is: it
// computes the hash of every block again from the header, checks the transactions against it, recovers
// senders, and refuses receipts that lack a field.

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/ethclient/gethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/testnet"
)

// network starts a devnet of real processes and gives the URL of its first node.
func network(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	exe := filepath.Join(dir, "aiwork-node")
	build := exec.Command("go", "build", "-o", exe, "./cmd/aiwork-node")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	l := testnet.DefaultLayout()
	l.Workers = 0
	folder := filepath.Join(dir, "network")
	if err := errors.Join(l.ChoosePorts(), testnet.Create(folder, l, system.Modules())); err != nil {
		t.Fatal(err)
	}
	cluster, err := testnet.Open(folder, exe, "")
	if err == nil {
		err = cluster.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := cluster.WaitHeight(ctx, 0, 1); err != nil {
		t.Fatal(err)
	}
	return cluster.URL(0)
}

// user is a test account behind a client.
type user struct {
	*ethclient.Client
	t       *testing.T
	ctx     context.Context
	key     *ecdsa.PrivateKey
	address common.Address
	chainID *big.Int
	heads   chan *types.Header
}

func newUser(t *testing.T, url string) *user {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	client, err := ethclient.DialContext(ctx, "ws"+strings.TrimPrefix(url, "http"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	secret := testnet.Account(0).Bytes()
	key, err := crypto.ToECDSA(secret[:])
	if err != nil {
		t.Fatal(err)
	}
	u := &user{Client: client, t: t, ctx: ctx, key: key, address: crypto.PubkeyToAddress(key.PublicKey), heads: make(chan *types.Header, 1024)}
	if u.chainID, err = client.ChainID(ctx); err != nil {
		t.Fatal(err)
	}
	sub, err := client.SubscribeNewHead(ctx, u.heads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Unsubscribe)
	return u
}

func (u *user) must(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

// receipt waits, head by head, until a transaction is in a block.
func (u *user) receipt(hash common.Hash) *types.Receipt {
	u.t.Helper()
	for {
		r, err := u.TransactionReceipt(u.ctx, hash)
		if err == nil {
			return r
		}
		if !errors.Is(err, ethereum.NotFound) {
			u.t.Fatal(err)
		}
		select {
		case <-u.heads:
		case <-u.ctx.Done():
			u.t.Fatalf("no receipt of %s", hash)
		}
	}
}

// send signs and sends a transaction of any type and checks what the node says of it.
func (u *user) send(data types.TxData) *types.Receipt {
	u.t.Helper()
	tx, err := types.SignNewTx(u.key, types.LatestSignerForChainID(u.chainID), data)
	u.must(err)
	u.must(u.SendTransaction(u.ctx, tx))
	r := u.receipt(tx.Hash())
	got, pending, err := u.TransactionByHash(u.ctx, tx.Hash())
	u.must(err)
	if pending || got.Hash() != tx.Hash() || r.Type != tx.Type() || r.Status != types.ReceiptStatusSuccessful {
		u.t.Errorf("type %d: pending %v, hash %s, receipt %+v", tx.Type(), pending, got.Hash(), r)
	}
	from, err := u.TransactionSender(u.ctx, got, r.BlockHash, r.TransactionIndex)
	u.must(err)
	if from != u.address {
		u.t.Errorf("sender: got %s, want %s", from, u.address)
	}
	// BlockByHash fails where header, transactions and hashes do not fit together.
	block, err := u.BlockByHash(u.ctx, r.BlockHash)
	u.must(err)
	if block.Hash() != r.BlockHash || types.DeriveSha(block.Transactions(), listHasher()) != block.TxHash() {
		u.t.Errorf("block %d does not hash to what the node says", block.NumberU64())
	}
	return r
}

func listHasher() types.ListHasher { return trie.NewStackTrie(nil) }

// abiOf gives the ABI out of a file of contracts/build.
func abiOf(t *testing.T, built []byte) string {
	t.Helper()
	var file struct {
		ABI json.RawMessage `json:"abi"`
	}
	if err := json.Unmarshal(built, &file); err != nil {
		t.Fatal(err)
	}
	return string(file.ABI)
}

func (u *user) nonce() uint64 {
	u.t.Helper()
	nonce, err := u.PendingNonceAt(u.ctx, u.address)
	u.must(err)
	return nonce
}

func TestGoEthereumClient(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a network: not in short tests")
	}
	u := newUser(t, network(t))
	price, tip, to := big.NewInt(3e9), big.NewInt(1e9), common.Address{0xaa}
	u.send(&types.LegacyTx{Nonce: u.nonce(), GasPrice: price, Gas: 21_000, To: &to, Value: big.NewInt(1)})
	u.send(&types.AccessListTx{
		ChainID: u.chainID, Nonce: u.nonce(), GasPrice: price, Gas: 50_000, To: &to, Value: big.NewInt(1),
		AccessList: types.AccessList{{Address: to, StorageKeys: []common.Hash{{1}}}},
	})
	u.send(&types.DynamicFeeTx{ChainID: u.chainID, Nonce: u.nonce(), GasTipCap: tip, GasFeeCap: price, Gas: 21_000, To: &to, Value: big.NewInt(1)})
	u.delegation(uint256.MustFromBig(tip), uint256.MustFromBig(price))
	u.refusesBlobs(to)
	u.token()
	u.blocks()
}

// delegation has another account run a contract's code.
func (u *user) delegation(tip, price *uint256.Int) {
	secret := testnet.Account(1).Bytes()
	other, err := crypto.ToECDSA(secret[:])
	u.must(err)
	address := crypto.PubkeyToAddress(other.PublicKey)
	auth, err := types.SignSetCode(other, types.SetCodeAuthorization{ChainID: *uint256.MustFromBig(u.chainID), Address: common.Address{0xc0}})
	u.must(err)
	u.send(&types.SetCodeTx{
		ChainID: uint256.MustFromBig(u.chainID), Nonce: u.nonce(), GasTipCap: tip, GasFeeCap: price, Gas: 100_000, To: address,
		AuthList: []types.SetCodeAuthorization{auth},
	})
	code, err := u.CodeAt(u.ctx, address, nil)
	u.must(err)
	if target, ok := types.ParseDelegation(code); !ok || target != (common.Address{0xc0}) {
		u.t.Errorf("delegation: got %x", code)
	}
}

func (u *user) refusesBlobs(to common.Address) {
	tx, err := types.SignNewTx(u.key, types.LatestSignerForChainID(u.chainID), &types.BlobTx{
		ChainID: uint256.MustFromBig(u.chainID), Nonce: u.nonce(), GasTipCap: uint256.NewInt(1), GasFeeCap: uint256.NewInt(1e10), Gas: 21_000, To: to,
		BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}},
	})
	u.must(err)
	if err := u.SendTransaction(u.ctx, tx); err == nil || !strings.Contains(err.Error(), "blob") {
		u.t.Errorf("a blob transaction: got %v, want an error that names blobs", err)
	}
}

// token deploys a contract with go-ethereum's bindings, uses it, and reads its logs in each way there is.
func (u *user) token() {
	text, err := os.ReadFile(filepath.Join("..", "..", "contracts", "build", "Token.json"))
	u.must(err)
	parsed, err := abi.JSON(strings.NewReader(abiOf(u.t, text)))
	u.must(err)
	creation, err := Creation("Token")
	u.must(err)
	opts, err := bind.NewKeyedTransactorWithChainID(u.key, u.chainID)
	u.must(err)
	address, tx, contract, err := bind.DeployContract(opts, parsed, creation, u.Client)
	u.must(err)
	if r := u.receipt(tx.Hash()); r.ContractAddress != address {
		u.t.Errorf("contract: got %s, want %s", r.ContractAddress, address)
	}
	logs := make(chan types.Log, 16)
	query := ethereum.FilterQuery{Addresses: []common.Address{address}}
	sub, err := u.SubscribeFilterLogs(u.ctx, query, logs)
	u.must(err)
	defer sub.Unsubscribe()
	if tx, err = contract.Transact(opts, "mint", u.address, big.NewInt(7)); err != nil {
		u.t.Fatal(err)
	}
	r := u.receipt(tx.Hash())
	found, err := u.FilterLogs(u.ctx, query)
	u.must(err)
	if len(r.Logs) != 1 || len(found) != 1 || found[0].TxHash != tx.Hash() || types.CreateBloom(r) != r.Bloom {
		u.t.Errorf("logs: %d in the receipt, %d found", len(r.Logs), len(found))
	}
	select {
	case l := <-logs:
		if l.TxHash != tx.Hash() || l.BlockHash != r.BlockHash {
			u.t.Errorf("subscription: %+v", l)
		}
	case <-u.ctx.Done():
		u.t.Error("no log came over the subscription")
	}
	var out []any
	u.must(contract.Call(nil, &out, "balanceOf", u.address))
	if got := out[0].(*big.Int); got.Int64() != 7 {
		u.t.Errorf("balance: got %s, want 7", got)
	}
	u.overToken(address, parsed)
}

// overToken reads what has no binding: a custom error, an estimate, an access list, the state before.
func (u *user) overToken(address common.Address, parsed abi.ABI) {
	input, err := parsed.Pack("transfer", common.Address{1}, big.NewInt(8))
	u.must(err)
	_, err = u.CallContract(u.ctx, ethereum.CallMsg{From: u.address, To: &address, Data: input}, nil)
	var fault rpc.DataError
	if !errors.As(err, &fault) {
		u.t.Fatalf("a failing call: got %v, want an error with data", err)
	}
	data := common.FromHex(fault.ErrorData().(string))
	if missing := parsed.Errors["Missing"]; len(data) < 4 || [4]byte(data[:4]) != [4]byte(missing.ID[:4]) {
		u.t.Errorf("custom error: got %x", data)
	}
	input, err = parsed.Pack("transfer", common.Address{1}, big.NewInt(3))
	u.must(err)
	msg := ethereum.CallMsg{From: u.address, To: &address, Data: input}
	gas, err := u.EstimateGas(u.ctx, msg)
	u.must(err)
	list, used, failed, err := gethclient.New(u.Client.Client()).CreateAccessList(u.ctx, msg)
	u.must(err)
	if failed != "" || list == nil || len(*list) != 1 || len((*list)[0].StorageKeys) != 2 || used == 0 {
		u.t.Errorf("access list: %v, %d gas, %q", list, used, failed)
	}
	number, err := u.BlockNumber(u.ctx)
	u.must(err)
	r := u.send(&types.DynamicFeeTx{
		ChainID: u.chainID, Nonce: u.nonce(), GasTipCap: big.NewInt(1), GasFeeCap: big.NewInt(1e10), Gas: gas, To: &address, Data: input,
	})
	if r.GasUsed > gas {
		u.t.Errorf("%d gas used, %d estimated", r.GasUsed, gas)
	}
	ask, err := parsed.Pack("balanceOf", u.address)
	u.must(err)
	for at, want := range map[uint64]int64{number: 7, r.BlockNumber.Uint64(): 4} {
		got, err := u.CallContract(u.ctx, ethereum.CallMsg{To: &address, Data: ask}, new(big.Int).SetUint64(at))
		u.must(err)
		if new(big.Int).SetBytes(got).Int64() != want {
			u.t.Errorf("balance at height %d: got %x, want %d", at, got, want)
		}
	}
}

// blocks reads the whole chain so far, and what is said of its fees.
func (u *user) blocks() {
	number, err := u.BlockNumber(u.ctx)
	u.must(err)
	parent := common.Hash{}
	for h := range number + 1 {
		block, err := u.BlockByNumber(u.ctx, new(big.Int).SetUint64(h))
		u.must(err)
		if h > 0 && block.ParentHash() != parent {
			u.t.Fatalf("block %d: parent %s, want %s", h, block.ParentHash(), parent)
		}
		parent = block.Hash()
		receipts, err := u.BlockReceipts(u.ctx, rpc.BlockNumberOrHashWithHash(parent, false))
		u.must(err)
		if got := types.DeriveSha(types.Receipts(receipts), listHasher()); got != block.ReceiptHash() {
			u.t.Errorf("block %d: receipts %s, want %s", h, got, block.ReceiptHash())
		}
	}
	history, err := u.FeeHistory(u.ctx, 5, nil, []float64{50})
	u.must(err)
	if len(history.BaseFee) != 6 || len(history.GasUsedRatio) != 5 {
		u.t.Errorf("fee history: %+v", history)
	}
	for _, tag := range []rpc.BlockNumber{rpc.SafeBlockNumber, rpc.FinalizedBlockNumber, rpc.LatestBlockNumber, rpc.PendingBlockNumber, rpc.EarliestBlockNumber} {
		if _, err := u.HeaderByNumber(u.ctx, big.NewInt(int64(tag))); err != nil {
			u.t.Errorf("%s: %v", tag, err)
		}
	}
}
