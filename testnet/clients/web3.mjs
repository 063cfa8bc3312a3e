// What applications do with web3. Arguments: the node's URL, and the key of a funded account.
import assert from 'node:assert/strict'
import { Web3, WebSocketProvider } from 'web3'
import { contracts, flow, interfaceOf, refusal, within } from './flows.mjs'

const [url, payerKey] = process.argv.slice(2)
const settings = { transactionPollingInterval: 50, transactionReceiptPollingInterval: 50, enableExperimentalFeatures: { useRpcCallSpecification: true } }
const web3 = new Web3({ provider: url, config: settings })
const live = new Web3(new WebSocketProvider(url.replace('http', 'ws')))
const payer = web3.eth.accounts.wallet.add(payerKey)[0]
const from = payer.address
const { Board, Coin, Deed } = contracts
const fresh = () => web3.eth.accounts.create().address
const zero = '0x' + '00'.repeat(32)

async function deploy(what, args) {
  const contract = new web3.eth.Contract(what.abi)
  const deployed = await contract.deploy({ data: what.bytecode, arguments: args }).send({ from })
  deployed.setConfig(settings)
  return deployed
}

const post = (text, more) => board.methods.post(text).send({ from, ...more })

await flow('reads', async () => {
  assert.equal(await web3.eth.getChainId(), 20260n)
  assert.equal(await web3.eth.net.getId(), 20260n)
  assert.ok((await web3.eth.getBalance(from)) > 0n)
  assert.equal(await web3.eth.getCode(from), '0x')
  assert.equal(await web3.eth.getStorageAt(from, 0), zero)
  assert.equal((await web3.eth.getBlock(0)).parentHash, zero)
  assert.ok((await web3.eth.getBlockNumber()) > 0n)
  assert.equal(typeof (await web3.eth.getNodeInfo()), 'string')
  assert.equal(await web3.eth.isSyncing(), false)
})

await flow('block tags', async () => {
  for (const tag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) assert.ok((await web3.eth.getBlock(tag, true)).gasLimit > 0n, tag)
})

await flow('accounts', async () => {
  assert.ok(Array.isArray(await web3.eth.getAccounts()))
})

await flow('fees', async () => {
  assert.ok((await web3.eth.getGasPrice()) > 0n)
  assert.ok((await web3.eth.calculateFeeData()).maxFeePerGas > 0n)
  assert.equal((await web3.eth.getFeeHistory(1, 'latest', [25, 75])).baseFeePerGas.length, 2)
})

let board
await flow('deploy', async () => {
  board = await deploy(Board, ['web3'])
  assert.ok((await web3.eth.getCode(board.options.address)).length > 1000)
})

await flow('call', async () => {
  assert.equal(await board.methods.title().call(), 'web3')
  assert.equal(await board.methods.owner().call(), from)
})

const types = [
  ['send type 0', 0n, () => ({ type: 0, gasPrice: 10n ** 11n })],
  ['send type 1', 1n, () => ({ type: 1, gasPrice: 10n ** 11n, accessList: [{ address: board.options.address, storageKeys: [zero] }] })],
  ['send type 2', 2n, () => ({})],
]
for (const [name, type, fields] of types) {
  await flow(name, async () => {
    const to = fresh()
    const receipt = await web3.eth.sendTransaction({ from, to, value: 7n, gas: 60_000n, ...fields() })
    assert.equal(receipt.status, 1n)
    assert.equal((await web3.eth.getTransaction(receipt.transactionHash)).type, type)
    assert.equal(await web3.eth.getBalance(to), 7n)
  })
}

await flow('receipt', async () => {
  const receipt = await post('a receipt', { value: '5' })
  assert.equal(receipt.status, 1n)
  assert.equal(receipt.events.Posted.returnValues.text, 'a receipt')
  const tx = await web3.eth.getTransaction(receipt.transactionHash)
  assert.equal(tx.blockHash, receipt.blockHash)
  assert.equal((await web3.eth.getTransactionFromBlock(receipt.blockNumber, receipt.transactionIndex)).hash, receipt.transactionHash)
  assert.ok((await web3.eth.getBlockTransactionCount(receipt.blockHash)) >= 1n)
  assert.equal(await web3.eth.getBlockUncleCount(receipt.blockHash), 0n)
})

await flow('logs', async () => {
  const receipt = await post('in the logs')
  const [event] = await board.getPastEvents('Posted', { filter: { author: from }, fromBlock: receipt.blockNumber, toBlock: receipt.blockNumber })
  assert.equal(event.returnValues.text, 'in the logs')
  const logs = await web3.eth.getPastLogs({ address: board.options.address, fromBlock: receipt.blockNumber, toBlock: 'latest' })
  assert.ok(logs.some((l) => l.transactionHash === receipt.transactionHash))
})

// heard waits for a message of a subscription that satisfies want, acting until it is there.
async function heard(subscription, want, act) {
  let over = false
  const found = new Promise((resolve, reject) => {
    subscription.on('data', (value) => want(value) && resolve())
    subscription.on('error', reject)
  }).finally(() => { over = true })
  const end = Date.now() + 25_000
  while (!over && Date.now() < end) await act()
  await within(found, 'message', 1000)
  await subscription.unsubscribe()
}

const transfer = () => web3.eth.sendTransaction({ from, to: from, value: 0n, gas: 21_000n })

await flow('subscribe heads', async () => {
  const numbers = []
  await heard(await live.eth.subscribe('newBlockHeaders'), (h) => numbers.push(h.number) >= 3, transfer)
  assert.deepEqual(numbers.slice(0, 3), [0n, 1n, 2n].map((i) => numbers[0] + i))
})

await flow('subscribe logs', async () => {
  const pushed = new live.eth.Contract(Board.abi, board.options.address)
  await heard(pushed.events.Posted({ filter: { author: from } }), (e) => e.returnValues.text === 'pushed', () => post('pushed'))
})

await flow('subscribe pending', async () => {
  const seen = new Set()
  let sent
  await heard(await live.eth.subscribe('pendingTransactions'), (hash) => seen.add(hash).has(sent), async () => {
    sent = (await transfer()).transactionHash
  })
})

await flow('estimate', async () => {
  assert.equal(await web3.eth.estimateGas({ from, to: fresh(), value: 1n }), 21_000n)
  const gas = await board.methods.post('estimated').estimateGas({ from })
  assert.ok((await post('estimated', { gas: String(gas) })).gasUsed <= gas)
})

await flow('access list', async () => {
  const { accessList, gasUsed } = await board.methods.post('listed').createAccessList({ from })
  assert.ok(gasUsed > 21_000n)
  assert.ok(accessList.some((e) => e.storageKeys.length > 0))
})

await flow('batch', async () => {
  const batch = new web3.BatchRequest()
  const all = ['eth_chainId', 'eth_blockNumber', 'eth_gasPrice'].map((method) => batch.add({ method, params: [] }))
  await batch.execute()
  assert.equal((await Promise.all(all))[0], '0x4f24')
})

await flow('custom error', async () => {
  const error = await refusal(board.methods.post('no').call({ from }))
  assert.equal(error.cause?.errorName, 'TooShort')
  assert.equal(error.cause.errorArgs.have, 2n)
})

await flow('revert reason', async () => {
  assert.equal((await refusal(board.methods.refuse('because').call())).cause.errorArgs.message, 'because')
  assert.equal((await refusal(board.methods.divide(1, 0).call())).cause.errorArgs.code, 0x12n)
  web3.eth.handleRevert = true
  const data = board.methods.refuse('late').encodeABI()
  const error = await refusal(web3.eth.sendTransaction({ from, to: board.options.address, data, gas: 100_000n }))
  web3.eth.handleRevert = false
  assert.match(error.reason, /late/)
})

await flow('ERC-20', async () => {
  const coin = await deploy(Coin, [10n ** 21n])
  const friend = fresh()
  await coin.methods.transfer(friend, 7n).send({ from })
  await coin.methods.approve(from, 9n).send({ from })
  await coin.methods.transferFrom(from, friend, 9n).send({ from })
  assert.equal(await coin.methods.balanceOf(friend).call(), 16n)
  const moves = await coin.getPastEvents('Transfer', { filter: { to: friend }, fromBlock: 0n })
  assert.deepEqual(moves.map((m) => m.returnValues.value), [7n, 9n])
})

await flow('ERC-721', async () => {
  const deed = await deploy(Deed, [])
  const friend = fresh()
  await deed.methods.mint(from).send({ from })
  await deed.methods.safeTransferFrom(from, friend, 1n).send({ from })
  assert.equal(await deed.methods.ownerOf(1n).call(), friend)
})

await flow('proof', async () => {
  const proof = await web3.eth.getProof(board.options.address, [zero], 'latest')
  assert.equal(proof.storageProof.length, 1)
  assert.equal(proof.codeHash, web3.utils.keccak256(await web3.eth.getCode(board.options.address)))
})

await flow('nonces in a row', async () => {
  for (let i = 0; i < 5; i++) assert.equal((await transfer()).status, 1n)
})

await flow('refusals', async () => {
  const poor = web3.eth.accounts.wallet.add(web3.eth.accounts.create().privateKey).at(-1)
  const error = await refusal(web3.eth.sendTransaction({ from: poor.address, to: from, value: 1n, gas: 21_000n }))
  assert.match(String(error.message) + String(error.cause?.message ?? '') + JSON.stringify(error.toJSON?.() ?? ''), /insufficient funds/i)
})

await flow('system contracts', async () => {
  const [abi] = [interfaceOf('IRegistry')]
  assert.ok(abi.length > 10)
  const servers = await web3.eth.call({ to: '0x000000000000000000000000000000000000a102', data: web3.eth.abi.encodeFunctionCall({ name: 'servers', type: 'function', inputs: [{ type: 'bytes32', name: 'model' }] }, [zero]) })
  assert.equal(web3.eth.abi.decodeParameter('uint64', servers), 0n)
})

process.exit(0)
