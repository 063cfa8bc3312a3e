// What applications do with viem. Arguments: the node's URL, and the keys of two funded accounts.
import assert from 'node:assert/strict'
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, decodeFunctionResult, defineChain, encodeDeployData,
  encodeFunctionData,  getAddress, http, keccak256, numberToHex, pad, parseAbi, parseEther, parseGwei, toHex, toRlp, webSocket, zeroAddress, zeroHash,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { contracts, flow, interfaceOf, refusal, until, within } from './flows.mjs'

const [url, payerKey, workerKey] = process.argv.slice(2)
const wsUrl = url.replace('http', 'ws')
const chain = defineChain({
  id: 20260, name: 'AIWork devnet', nativeCurrency: { name: 'AIWork', symbol: 'AWO', decimals: 18 },
  rpcUrls: { default: { http: [url], webSocket: [wsUrl] } },
})
const node = createPublicClient({ chain, transport: http(url), pollingInterval: 50 })
const live = createPublicClient({ chain, transport: webSocket(wsUrl) })
const account = privateKeyToAccount(payerKey)
const payer = createWalletClient({ account, chain, transport: http(url), pollingInterval: 50 })
const { Board, Coin, Deed, Batcher } = contracts
const mined = (hash) => node.waitForTransactionReceipt({ hash })
const fresh = () => privateKeyToAccount(generatePrivateKey())

// deploy creates a contract and gives its address.
async function deploy(what, args) {
  const hash = await payer.deployContract({ abi: what.abi, bytecode: what.bytecode, args })
  const receipt = await mined(hash)
  assert.equal(receipt.status, 'success')
  return receipt.contractAddress
}

// write calls a method in a transaction that must succeed.
async function write(address, abi, functionName, args, more = {}) {
  const receipt = await mined(await payer.writeContract({ address, abi, functionName, args, ...more }))
  assert.equal(receipt.status, 'success')
  return receipt
}

const read = (address, abi, functionName, args) => node.readContract({ address, abi, functionName, args })
const post = (text, more) => write(board, Board.abi, 'post', [text], more)
const posted = (text) => (logs) => logs.some((l) => l.eventName === 'Posted' && l.args.text === text)

await flow('reads', async () => {
  assert.equal(await node.getChainId(), 20260)
  const head = await node.getBlock()
  assert.ok(head.number <= (await node.getBlockNumber({ cacheTime: 0 })))
  assert.ok((await node.getBalance({ address: account.address })) > 0n)
  assert.equal(await node.getCode({ address: account.address }), undefined)
  assert.equal(await node.getStorageAt({ address: account.address, slot: '0x0' }), zeroHash)
  assert.equal((await node.getBlock({ blockNumber: 0n })).parentHash, zeroHash)
  assert.equal(await node.getBlockTransactionCount({ blockNumber: 0n }), 0)
})

await flow('block tags', async () => {
  for (const blockTag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) {
    const block = await node.getBlock({ blockTag, includeTransactions: true })
    assert.ok(block.gasLimit > 0n, blockTag)
  }
})

await flow('fees', async () => {
  const fees = await node.estimateFeesPerGas()
  assert.ok(fees.maxFeePerGas > fees.maxPriorityFeePerGas && (await node.getGasPrice()) > 0n)
  const history = await node.getFeeHistory({ blockCount: 1, rewardPercentiles: [25, 75] })
  assert.equal(history.baseFeePerGas.length, 2)
  assert.equal(history.reward[0].length, 2)
})

let board
await flow('deploy', async () => {
  board = await deploy(Board, ['viem'])
  assert.ok((await node.getCode({ address: board })).length > 1000)
})

await flow('call', async () => {
  assert.equal(await read(board, Board.abi, 'title'), 'viem')
  assert.equal(await read(board, Board.abi, 'owner'), account.address)
})

const types = [
  ['send type 0', 'legacy', () => ({ type: 'legacy' })],
  ['send type 1', 'eip2930', () => ({ type: 'eip2930', accessList: [{ address: board, storageKeys: [pad('0x01')] }] })],
  ['send type 2', 'eip1559', () => ({})],
]
for (const [name, type, fields] of types) {
  await flow(name, async () => {
    const to = fresh().address
    const hash = await payer.sendTransaction({ to, value: parseEther('1.25'), ...fields() })
    assert.equal((await mined(hash)).status, 'success')
    assert.equal((await node.getTransaction({ hash })).type, type)
    assert.equal(await node.getBalance({ address: to }), parseEther('1.25'))
  })
}

await flow('send type 4', async () => {
  const batcher = await deploy(Batcher, [])
  const owner = privateKeyToAccount(generatePrivateKey())
  await mined(await payer.sendTransaction({ to: owner.address, value: parseEther('3') }))
  const wallet = createWalletClient({ account: owner, chain, transport: http(url), pollingInterval: 50 })
  const authorization = await wallet.signAuthorization({ contractAddress: batcher, executor: 'self' })
  const [one, two] = [fresh().address, fresh().address]
  const calls = [{ to: one, value: 5n, data: '0x' }, { to: two, value: 7n, data: '0x' }]
  const data = encodeFunctionData({ abi: Batcher.abi, functionName: 'execute', args: [calls] })
  const hash = await wallet.sendTransaction({ to: owner.address, data, authorizationList: [authorization] })
  assert.equal((await mined(hash)).status, 'success')
  const tx = await node.getTransaction({ hash })
  assert.equal(tx.type, 'eip7702')
  assert.equal(getAddress(tx.authorizationList[0].address), getAddress(batcher))
  assert.equal(await node.getBalance({ address: one }), 5n)
  assert.equal(await node.getBalance({ address: two }), 7n)
  assert.equal(getAddress(await node.getDelegation({ address: owner.address })), getAddress(batcher))
  // A relayer takes the delegation back.
  const back = await wallet.signAuthorization({ contractAddress: zeroAddress })
  await mined(await payer.sendTransaction({ to: account.address, authorizationList: [back] }))
  assert.equal(await node.getCode({ address: owner.address }), undefined)
})

await flow('type 3 refused', async () => {
  const raw = await account.signTransaction({
    type: 'eip4844', chainId: 20260, nonce: await node.getTransactionCount({ address: account.address }), to: account.address, gas: 21_000n,
    maxFeePerGas: parseGwei('50'), maxPriorityFeePerGas: 1n, maxFeePerBlobGas: parseGwei('1'),
    blobVersionedHashes: ['0x01' + '11'.repeat(31)],
  })
  const error = await refusal(node.sendRawTransaction({ serializedTransaction: raw }))
  assert.match(error.details, /blob|type/i)
})

await flow('receipt', async () => {
  const receipt = await post('a receipt', { value: 5n })
  assert.equal(receipt.type, 'eip1559')
  assert.equal(receipt.logs[0].address, board.toLowerCase())
  const tx = await node.getTransaction({ hash: receipt.transactionHash })
  assert.equal(tx.blockHash, receipt.blockHash)
  assert.equal(tx.value, 5n)
  assert.equal(await read(board, Board.abi, 'balance'), 5n)
  const block = await node.getBlock({ blockHash: receipt.blockHash, includeTransactions: true })
  assert.ok(block.transactions.some((t) => t.hash === tx.hash))
  const all = await node.request({ method: 'eth_getBlockReceipts', params: [numberToHex(receipt.blockNumber)] })
  assert.ok(all.some((r) => r.transactionHash === tx.hash))
  assert.ok((await node.getTransactionConfirmations({ hash: tx.hash })) > 0n)
  const raw = await node.request({ method: 'eth_getRawTransactionByHash', params: [tx.hash] })
  assert.equal(keccak256(raw), tx.hash)
})

await flow('block hash', async () => {
  const b = await node.getBlock()
  const n = (v) => (BigInt(v) === 0n ? '0x' : numberToHex(BigInt(v)))
  const hash = keccak256(toRlp([
    b.parentHash, b.sha3Uncles, b.miner, b.stateRoot, b.transactionsRoot, b.receiptsRoot, b.logsBloom, n(b.difficulty),
    n(b.number), n(b.gasLimit), n(b.gasUsed), n(b.timestamp), b.extraData, b.mixHash, b.nonce, n(b.baseFeePerGas),
    b.withdrawalsRoot, n(b.blobGasUsed), n(b.excessBlobGas), b.parentBeaconBlockRoot, b.requestsHash,
  ]))
  assert.equal(hash, b.hash)
})

await flow('logs', async () => {
  const receipt = await post('in the logs')
  const event = Board.abi.find((e) => e.name === 'Posted')
  const near = { address: board, event, fromBlock: receipt.blockNumber, toBlock: receipt.blockNumber, strict: true }
  const [log] = await node.getLogs({ ...near, args: { author: account.address } })
  assert.equal(log.args.text, 'in the logs')
  assert.equal(log.removed, false)
  assert.equal(log.transactionHash, receipt.transactionHash)
  assert.deepEqual(await node.getLogs({ ...near, args: { author: board } }), [])
  assert.equal((await node.getLogs({ address: board, event, blockHash: receipt.blockHash })).length, 1)
  assert.ok((await node.getContractEvents({ address: board, abi: Board.abi, fromBlock: 0n })).length >= 2)
})

await flow('log filter', async () => {
  const fromBlock = (await node.getBlockNumber({ cacheTime: 0 })) + 1n
  const filter = await node.createContractEventFilter({ address: board, abi: Board.abi, eventName: 'Posted', strict: true, fromBlock })
  await post('for the filter')
  await until('a log', async () => posted('for the filter')(await node.getFilterChanges({ filter })))
  assert.ok(posted('for the filter')(await node.getFilterLogs({ filter })))
  assert.equal(await node.uninstallFilter({ filter }), true)
  await refusal(node.getFilterChanges({ filter }))
})

await flow('block filter', async () => {
  const filter = await node.createBlockFilter()
  const { blockHash } = await post('for the block filter')
  await until('the block', async () => (await node.getFilterChanges({ filter })).includes(blockHash))
  assert.equal(await node.uninstallFilter({ filter }), true)
})

await flow('pending filter', async () => {
  const filter = await node.createPendingTransactionFilter()
  const { transactionHash } = await post('for the pending filter')
  await until('the transaction', async () => (await node.getFilterChanges({ filter })).includes(transactionHash))
  assert.equal(await node.uninstallFilter({ filter }), true)
})

// first gives the first value a watcher hands over for which seen holds.
function first(watch, seen) {
  let stop
  return within(new Promise((resolve, reject) => { stop = watch((v) => seen(v) && resolve(v), reject) }), 'watch').finally(() => stop())
}

await flow('subscribe heads', async () => {
  const numbers = []
  const three = first((onBlock, onError) => live.watchBlocks({ onBlock, onError }), (b) => numbers.push(b.number) === 3)
  while (numbers.length < 3) await mined(await payer.sendTransaction({ to: account.address }))
  await three
  assert.deepEqual(numbers.slice(0, 3), [0n, 1n, 2n].map((i) => numbers[0] + i))
})

await flow('subscribe logs', async () => {
  // Both ways: pushed over the WebSocket, and polled through a filter, which is made in the background.
  const watch = (client, more) => first(
    (onLogs, onError) => client.watchContractEvent({ address: board, abi: Board.abi, eventName: 'Posted', onLogs, onError, ...more }),
    posted('for watchers'))
  const both = Promise.all([watch(live, {}), watch(node, { poll: true })])
  let over = false
  both.finally(() => { over = true }).catch(() => {})
  while (!over) await post('for watchers')
  await both
})

await flow('subscribe pending', async () => {
  const seen = new Set()
  let sent
  const found = first((onTransactions, onError) => live.watchPendingTransactions({ onTransactions, onError, batch: true }), (hashes) => {
    hashes.forEach((h) => seen.add(h))
    return seen.has(sent)
  })
  let over = false
  found.finally(() => { over = true }).catch(() => {})
  while (!over) {
    sent = await payer.sendTransaction({ to: account.address })
    await mined(sent)
  }
  await found
})

await flow('estimate', async () => {
  assert.equal(await node.estimateGas({ account, to: fresh().address, value: 1n }), 21_000n)
  const gas = await node.estimateContractGas({ account, address: board, abi: Board.abi, functionName: 'post', args: ['estimated'] })
  const receipt = await post('estimated', { gas })
  assert.ok(receipt.gasUsed <= gas && receipt.gasUsed * 2n > gas)
})

await flow('estimate with overrides', async () => {
  const poor = fresh().address
  const request = { account: poor, to: board, value: parseEther('9'), data: encodeFunctionData({ abi: Board.abi, functionName: 'post', args: ['rich'] }) }
  assert.match(String(await refusal(node.estimateGas(request))), /funds|balance/i)
  assert.ok((await node.estimateGas({ ...request, stateOverride: [{ address: poor, balance: parseEther('10') }] })) > 50_000n)
})

await flow('call with overrides', async () => {
  const at = fresh().address
  const data = encodeFunctionData({ abi: Board.abi, functionName: 'count' })
  // count is at slot 1: slot 0 is the title, the owner is immutable.
  const code = await node.getCode({ address: board })
  const stateOverride = [{ address: at, code, stateDiff: [{ slot: pad('0x01'), value: pad('0x2a') }] }]
  const { data: answer } = await node.call({ to: at, data, stateOverride })
  assert.equal(decodeFunctionResult({ abi: Board.abi, functionName: 'count', data: answer }), 42n)
  const blockOverrides = { number: 12_345n, time: 1_900_000_000n }
  // NUMBER, TIMESTAMP: both returned by a few bytes of code.
  const clock = '0x435f52426020526040' + '5ff3'
  const seen = await node.call({ to: at, stateOverride: [{ address: at, code: clock }], blockOverrides })
  assert.equal(seen.data, pad(toHex(12_345n)) + pad(toHex(1_900_000_000n)).slice(2))
  // A contract that exists in the call only.
  const { data: constructed } = await node.call({ code: encodeDeployData({ abi: Board.abi, bytecode: Board.bytecode, args: ['x'] }), data })
  assert.equal(decodeFunctionResult({ abi: Board.abi, functionName: 'count', data: constructed }), 0n)
})

await flow('access list', async () => {
  const data = encodeFunctionData({ abi: Board.abi, functionName: 'post', args: ['listed'] })
  const { accessList, gasUsed } = await node.createAccessList({ account: account.address, to: board, data })
  assert.ok(gasUsed > 21_000n)
  assert.ok(accessList.some((e) => getAddress(e.address) === getAddress(board) && e.storageKeys.includes(pad('0x01'))))
  assert.equal((await mined(await payer.sendTransaction({ to: board, data, accessList }))).status, 'success')
})

await flow('trace calls', async () => {
  const { transactionHash: hash } = await write(board, Board.abi, 'postTwice', ['traced'], { value: 3n })
  const top = await node.request({ method: 'debug_traceTransaction', params: [hash, { tracer: 'callTracer', tracerConfig: { withLog: true } }] })
  assert.equal(top.type, 'CALL')
  assert.equal(top.calls.length, 2)
  assert.equal(BigInt(top.calls[0].value), 3n)
  assert.equal(top.calls[0].logs.length, 1)
  const request = { from: account.address, to: board, data: encodeFunctionData({ abi: Board.abi, functionName: 'refuse', args: ['no'] }) }
  const failed = await node.request({ method: 'debug_traceCall', params: [request, 'latest', { tracer: 'callTracer' }] })
  assert.equal(failed.error, 'execution reverted')
  assert.equal(failed.revertReason, 'no')
})

await flow('trace state', async () => {
  const { transactionHash: hash } = await post('diffed', { value: 1n })
  const trace = (tracerConfig) => node.request({ method: 'debug_traceTransaction', params: [hash, { tracer: 'prestateTracer', tracerConfig }] })
  const { pre, post: after } = await trace({ diffMode: true })
  const at = board.toLowerCase()
  assert.equal(BigInt(after[at].balance) - BigInt(pre[at].balance), 1n)
  assert.equal(BigInt(after[at].storage[pad('0x01')]) - BigInt(pre[at].storage[pad('0x01')]), 1n)
  assert.ok((await trace({}))[account.address.toLowerCase()].nonce > 0)
})

await flow('trace steps', async () => {
  const { transactionHash: hash, gasUsed } = await post('step by step')
  const trace = await node.request({ method: 'debug_traceTransaction', params: [hash, {}] })
  assert.equal(BigInt(trace.gas), gasUsed)
  assert.equal(trace.failed, false)
  assert.ok(trace.structLogs.length > 100 && trace.structLogs.some((s) => s.op === 'SSTORE'))
})

await flow('batch', async () => {
  let requests = 0
  const onFetchRequest = () => { requests++ }
  const batched = createPublicClient({ chain, transport: http(url, { batch: { batchSize: 50 }, onFetchRequest }) })
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => batched.getBalance({ address: pad(toHex(i + 1), { size: 20 }) })))
  assert.equal(all.length, 50)
  assert.equal(requests, 1)
  const raw = await fetch(url, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: '[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"jsonrpc":"2.0","id":"b","method":"eth_nope"},7,{"jsonrpc":"2.0","method":"eth_chainId"}]',
  }).then((r) => r.json())
  assert.equal(raw.find((r) => r.id === 1).result, '0x4f24')
  assert.equal(raw.find((r) => r.id === 'b').error.code, -32601)
  assert.ok(raw.some((r) => r.id === null && r.error.code === -32600))
})

// why gives the decoded revert inside viem's error.
const why = (error) => error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError)
const simulated = (functionName, args) => refusal(node.simulateContract({ account, address: board, abi: Board.abi, functionName, args }))

await flow('custom error', async () => {
  const error = why(await simulated('post', ['no']))
  assert.equal(error.data.errorName, 'TooShort')
  assert.deepEqual(error.data.args, [2n, 3n])
  const data = encodeFunctionData({ abi: Board.abi, functionName: 'post', args: ['no'] })
  const answer = await fetch(url, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_estimateGas', params: [{ from: account.address, to: board, data }] }),
  }).then((r) => r.json())
  assert.equal(answer.error.code, 3)
  assert.match(answer.error.message, /^execution reverted/)
  assert.equal(answer.error.data.length, 2 + 8 + 128)
})

await flow('revert reason', async () => {
  assert.equal(why(await simulated('refuse', ['because'])).reason, 'because')
  assert.match(why(await simulated('divide', [1n, 0n])).shortMessage, /zero/)
  // A failed transaction is in a block, and its reason can be had by doing it again.
  const data = encodeFunctionData({ abi: Board.abi, functionName: 'refuse', args: ['late'] })
  const receipt = await mined(await payer.sendTransaction({ to: board, data, gas: 100_000n }))
  assert.equal(receipt.status, 'reverted')
  assert.match((await refusal(node.call({ account, to: board, data, blockNumber: receipt.blockNumber }))).message, /late/)
})

await flow('ERC-20', async () => {
  const coin = await deploy(Coin, [parseEther('1000')])
  const friend = fresh().address
  await write(coin, Coin.abi, 'transfer', [friend, 7n])
  await write(coin, Coin.abi, 'approve', [account.address, 9n])
  await write(coin, Coin.abi, 'transferFrom', [account.address, friend, 9n])
  assert.equal(await read(coin, Coin.abi, 'balanceOf', [friend]), 16n)
  const moves = await node.getContractEvents({ address: coin, abi: Coin.abi, eventName: 'Transfer', args: { to: friend }, fromBlock: 0n })
  assert.deepEqual(moves.map((m) => m.args.value), [7n, 9n])
  const error = why(await refusal(node.simulateContract({ account, address: coin, abi: Coin.abi, functionName: 'transferFrom', args: [friend, account.address, 1n] })))
  assert.equal(error.data.errorName, 'ERC20InsufficientAllowance')
  const deadline = 2n ** 64n
  const signature = await payer.signTypedData({
    domain: { name: 'Coin', version: '1', chainId: 20260, verifyingContract: coin }, primaryType: 'Permit',
    types: { Permit: ['owner:address', 'spender:address', 'value:uint256', 'nonce:uint256', 'deadline:uint256'].map((f) => ({ name: f.split(':')[0], type: f.split(':')[1] })) },
    message: { owner: account.address, spender: friend, value: 11n, nonce: 0n, deadline },
  })
  const [r, s, v] = [signature.slice(0, 66), '0x' + signature.slice(66, 130), Number('0x' + signature.slice(130))]
  await write(coin, Coin.abi, 'permit', [account.address, friend, 11n, deadline, v, r, s])
  assert.equal(await read(coin, Coin.abi, 'allowance', [account.address, friend]), 11n)
})

await flow('ERC-721', async () => {
  const deed = await deploy(Deed, [])
  const friend = fresh().address
  await write(deed, Deed.abi, 'mint', [account.address])
  await write(deed, Deed.abi, 'safeTransferFrom', [account.address, friend, 1n])
  assert.equal(await read(deed, Deed.abi, 'ownerOf', [1n]), friend)
  // A contract that does not take tokens is refused by the token.
  const error = why(await refusal(node.simulateContract({ account, address: deed, abi: Deed.abi, functionName: 'mint', args: [board] })))
  assert.equal(error.data.errorName, 'ERC721InvalidReceiver')
})

await flow('simulate', async () => {
  const calls = [
    { to: board, abi: Board.abi, functionName: 'post', args: ['only tried'], value: 4n },
    { to: board, abi: Board.abi, functionName: 'count' },
    { to: board, abi: Board.abi, functionName: 'refuse', args: ['tried'] },
  ]
  const before = await read(board, Board.abi, 'count')
  const { results } = await node.simulateCalls({ account: account.address, calls })
  assert.deepEqual(results.map((r) => r.status), ['success', 'success', 'failure'])
  assert.equal(results[1].result, before + 1n)
  assert.match(String(results[2].error), /tried/)
  const friend = fresh().address
  const blocks = await node.simulateBlocks({
    blocks: [
      { stateOverrides: [{ address: friend, balance: 100n }], calls: [{ account: friend, to: account.address, value: 60n }] },
      { blockOverrides: { baseFeePerGas: 0n }, calls: [{ account: friend, to: account.address, value: 60n }] },
    ],
    traceTransfers: true,
  }).then((b) => b, (error) => error)
  // The second block lacks the money that the first has spent.
  assert.match(String(blocks), /insufficient|funds/i)
  const changed = await node.simulateCalls({ account: account.address, calls: [{ to: friend, value: 8n }], traceAssetChanges: true })
  assert.equal(changed.assetChanges[0].value.diff, -8n)
  assert.equal(await read(board, Board.abi, 'count'), before)
})

await flow('proof', async () => {
  const proof = await node.getProof({ address: board, storageKeys: [pad('0x01')] })
  assert.ok(proof.accountProof.length > 0 && proof.accountProof.every((p) => p.startsWith('0x')))
  assert.equal(proof.storageProof[0].value, await read(board, Board.abi, 'count'))
  assert.equal(proof.codeHash, keccak256(await node.getCode({ address: board })))
  assert.equal(proof.nonce, 1)
})

await flow('fill', async () => {
  const { transaction } = await node.fillTransaction({ account: account.address, to: fresh().address, value: 1n })
  assert.equal(transaction.gas, 21_000n)
  assert.equal(transaction.nonce, await node.getTransactionCount({ address: account.address }))
  assert.ok(transaction.maxFeePerGas > 0n)
})

await flow('send and wait', async () => {
  const receipt = await payer.sendTransactionSync({ to: fresh().address, value: 1n })
  assert.equal(receipt.status, 'success')
  assert.ok(receipt.blockNumber <= (await node.getBlockNumber({ cacheTime: 0 })))
})

await flow('nonces in a row', async () => {
  const to = fresh().address
  let nonce = await node.getTransactionCount({ address: account.address, blockTag: 'pending' })
  const hashes = []
  for (let i = 0; i < 5; i++) hashes.push(await payer.sendTransaction({ to, value: 1n, nonce: nonce++ }))
  for (const r of await Promise.all(hashes.map(mined))) assert.equal(r.status, 'success')
  // And by itself, one after the other without waiting.
  for (let i = 0; i < 5; i++) hashes.push(await payer.sendTransaction({ to, value: 1n }))
  await Promise.all(hashes.map(mined))
  assert.equal(await node.getBalance({ address: to }), 10n)
})

await flow('refusals', async () => {
  assert.match((await refusal(node.sendRawTransaction({ serializedTransaction: '0x02c0' }))).details, /transaction|decode|rlp|typed/i)
  const low = await refusal(payer.sendTransaction({ to: account.address, nonce: 0, gas: 21_000n }))
  assert.ok(low.walk((e) => e.name === 'NonceTooLowError'), String(low))
  const broke = createWalletClient({ account: fresh(), chain, transport: http(url) })
  const poor = await refusal(broke.sendTransaction({ to: account.address, value: 1n }))
  assert.ok(poor.walk((e) => e.name === 'InsufficientFundsError'), String(poor))
  const foreign = await account.signTransaction({ type: 'eip1559', chainId: 1, nonce: 0, to: account.address, gas: 21_000n, maxFeePerGas: parseGwei('50') })
  assert.match((await refusal(node.sendRawTransaction({ serializedTransaction: foreign }))).details, /chain/i)
  const unknown = await refusal(node.request({ method: 'eth_nope' }))
  assert.equal(unknown.code, -32601)
})

await flow('cheat codes refused', async () => {
  for (const method of ['evm_mine', 'anvil_setBalance', 'hardhat_impersonateAccount', 'evm_snapshot']) {
    assert.equal((await refusal(node.request({ method, params: [] }))).code, -32601)
  }
})

await flow('system contracts', async () => {
  const abi = parseAbi(interfaceOf('IRegistry'))
  const registry = getAddress('0x000000000000000000000000000000000000a102')
  const worker = createWalletClient({ account: privateKeyToAccount(workerKey), chain, transport: http(url) })
  const recipient = fresh().address
  const registered = await mined(await worker.writeContract({
    address: registry, abi, functionName: 'register', args: [recipient, [keccak256('0x11')], 'viem'], value: parseEther('2000'),
  }))
  assert.equal(registered.status, 'success')
  const logs = await node.getContractEvents({ address: registry, abi, eventName: 'WorkerRegistered', args: { worker: worker.account.address }, fromBlock: 0n })
  assert.equal(logs[0].args.bond, parseEther('2000'))
  assert.equal(logs[0].transactionHash, registered.transactionHash)
  const record = await read(registry, abi, 'worker', [worker.account.address])
  assert.deepEqual([record[0], record[1], record[2], record[8]], [1, recipient, parseEther('2000'), 'viem'])
  const error = why(await refusal(node.simulateContract({ address: registry, abi, functionName: 'withdrawBond', account })))
  assert.match(error.reason, /^registry: /)
})

process.exit(0)
