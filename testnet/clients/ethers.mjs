// What applications do with ethers. Arguments: the node's URL, and the key of a funded account. The provider has
// the cache of 250 ms that ethers gives it, as in most programs.
import assert from 'node:assert/strict'
import {
  Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider, ZeroHash, getAddress, keccak256, parseEther, toBeHex, zeroPadValue,
} from 'ethers'
import { contracts, flow, interfaceOf, refusal, until, within } from './flows.mjs'

const [url, payerKey] = process.argv.slice(2)
const provider = new JsonRpcProvider(url)
provider.pollingInterval = 50
const live = new WebSocketProvider(url.replace('http', 'ws'))
const payer = new Wallet(payerKey, provider)
const { Board, Coin, Deed, Batcher } = contracts
const fresh = () => Wallet.createRandom(provider)

// mined waits for a transaction that must succeed.
async function mined(sent) {
  const receipt = await (await sent).wait()
  assert.equal(receipt.status, 1)
  return receipt
}

async function deploy(what, ...args) {
  const contract = await new ContractFactory(what.abi, what.bytecode, payer).deploy(...args)
  return contract.waitForDeployment()
}

await flow('reads', async () => {
  assert.equal((await provider.getNetwork()).chainId, 20260n)
  assert.ok((await provider.getBalance(payer.address)) > 0n)
  assert.equal(await provider.getCode(payer.address), '0x')
  assert.equal(await provider.getStorage(payer.address, 0), ZeroHash)
  assert.equal((await provider.getBlock(0)).parentHash, ZeroHash)
  assert.ok((await provider.getBlockNumber()) > 0)
})

await flow('block tags', async () => {
  for (const tag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) assert.ok((await provider.getBlock(tag, true)).gasLimit > 0n, tag)
})

await flow('accounts', async () => {
  assert.ok(Array.isArray(await provider.listAccounts()))
})

await flow('fees', async () => {
  const fees = await provider.getFeeData()
  assert.ok(fees.maxFeePerGas > fees.maxPriorityFeePerGas && fees.gasPrice > 0n)
})

let board
await flow('deploy', async () => {
  board = await deploy(Board, 'ethers')
  assert.ok((await board.getDeployedCode()).length > 1000)
})

await flow('call', async () => {
  assert.equal(await board.title(), 'ethers')
  assert.equal(await board.owner(), payer.address)
})

const types = [
  ['send type 0', 0, () => ({})],
  ['send type 1', 1, () => ({ accessList: [{ address: board.target, storageKeys: [zeroPadValue('0x01', 32)] }] })],
  ['send type 2', 2, () => ({})],
]
for (const [name, type, fields] of types) {
  await flow(name, async () => {
    const to = fresh().address
    const receipt = await mined(payer.sendTransaction({ to, value: parseEther('0.5'), type, ...fields() }))
    assert.equal(receipt.type, type)
    assert.equal(await provider.getBalance(to), parseEther('0.5'))
  })
}

await flow('send type 4', async () => {
  const batcher = await deploy(Batcher)
  const owner = fresh()
  await mined(payer.sendTransaction({ to: owner.address, value: parseEther('3') }))
  const nonce = await owner.getNonce()
  const authorization = await owner.authorize({ address: batcher.target, nonce: nonce + 1 })
  const [one, two] = [fresh().address, fresh().address]
  const data = batcher.interface.encodeFunctionData('execute', [[[one, 5n, '0x'], [two, 7n, '0x']]])
  const receipt = await mined(owner.sendTransaction({ type: 4, to: owner.address, nonce, data, authorizationList: [authorization] }))
  assert.equal(receipt.type, 4)
  assert.equal((await provider.getTransaction(receipt.hash)).authorizationList[0].address, batcher.target)
  assert.equal((await provider.getBalance(one)) + (await provider.getBalance(two)), 12n)
  assert.equal(await provider.getCode(owner.address), '0xef0100' + batcher.target.slice(2).toLowerCase())
})

await flow('type 3 refused', async () => {
  const raw = await payer.signTransaction({
    type: 3, chainId: 20260, nonce: await payer.getNonce(), to: payer.address, gasLimit: 21_000, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n,
    maxFeePerBlobGas: 10n ** 9n, blobVersionedHashes: ['0x01' + '11'.repeat(31)],
  })
  assert.match(String(await refusal(provider.broadcastTransaction(raw))), /blob/i)
})

await flow('receipt', async () => {
  const receipt = await mined(board.post('a receipt', { value: 5n }))
  const tx = await provider.getTransaction(receipt.hash)
  assert.equal(tx.blockHash, receipt.blockHash)
  assert.equal(receipt.logs[0].fragment.name, 'Posted')
  assert.equal(receipt.fee, receipt.gasUsed * receipt.gasPrice)
  const block = await provider.getBlock(receipt.blockNumber, true)
  assert.ok(block.hash === receipt.blockHash && block.transactions.includes(receipt.hash))
  assert.ok((await receipt.confirmations()) >= 1)
})

await flow('logs', async () => {
  const receipt = await mined(board.post('in the logs'))
  const at = receipt.blockNumber
  const [log] = await board.queryFilter(board.filters.Posted(null, payer.address), at, at)
  assert.equal(log.args.text, 'in the logs')
  assert.equal(log.removed, false)
  assert.deepEqual(await board.queryFilter(board.filters.Posted(null, board.target), 0), [])
  assert.equal((await provider.getLogs({ blockHash: receipt.blockHash, address: board.target })).length, 1)
})

// heard gives a promise for an event that satisfies want, while act is done again and again until it is there:
// a listener is at work some time after it was asked for.
async function heard(emitter, event, want, act) {
  let over = false
  let listener
  const found = new Promise((resolve) => {
    listener = (...args) => want(...args) && resolve()
  })
  await emitter.on(event, listener)
  found.then(() => { over = true })
  const end = Date.now() + 25_000
  while (!over && Date.now() < end) await act()
  await within(found, 'event', 1000)
  await emitter.off(event, listener)
}

await flow('log filter', () => heard(board, 'Posted', (_id, _author, text) => text === 'polled', () => mined(board.post('polled'))))

await flow('pending filter', async () => {
  const seen = new Set()
  let sent
  await heard(provider, 'pending', (hash) => seen.add(hash).has(sent), async () => {
    sent = (await mined(payer.sendTransaction({ to: payer.address }))).hash
  })
})

await flow('subscribe heads', async () => {
  const numbers = []
  await heard(live, 'block', (n) => numbers.push(n) >= 3, () => mined(payer.sendTransaction({ to: payer.address })))
  assert.deepEqual(numbers.slice(0, 3), [0, 1, 2].map((i) => numbers[0] + i))
})

await flow('subscribe logs', () => heard(board.connect(live), 'Posted', (_id, _author, text) => text === 'pushed', () => mined(board.post('pushed'))))

await flow('subscribe pending', async () => {
  const seen = new Set()
  let sent
  await heard(live, 'pending', (hash) => seen.add(hash).has(sent), async () => {
    sent = (await mined(payer.sendTransaction({ to: payer.address }))).hash
  })
})

await flow('estimate', async () => {
  assert.equal(await provider.estimateGas({ from: payer.address, to: fresh().address, value: 1n }), 21_000n)
  const gasLimit = await board.post.estimateGas('estimated')
  const receipt = await mined(board.post('estimated', { gasLimit }))
  assert.ok(receipt.gasUsed <= gasLimit)
})

await flow('trace calls', async () => {
  const receipt = await mined(board.postTwice('traced', { value: 3n }))
  const top = await provider.send('debug_traceTransaction', [receipt.hash, { tracer: 'callTracer' }])
  assert.equal(top.calls.length, 2)
  assert.equal(BigInt(top.gasUsed), receipt.gasUsed)
})

await flow('batch', async () => {
  const sizes = []
  const listener = (e) => e.action === 'sendRpcPayload' && sizes.push(e.payload.length ?? 1)
  provider.on('debug', listener)
  const all = await Promise.all(Array.from({ length: 60 }, (_, i) => provider.getBalance(toBeHex(i + 1, 20))))
  provider.off('debug', listener)
  assert.equal(all.length, 60)
  assert.ok(Math.max(...sizes) >= 60, String(sizes))
})

await flow('custom error', async () => {
  const error = await refusal(board.post('no'))
  assert.equal(error.code, 'CALL_EXCEPTION')
  assert.equal(board.interface.parseError(error.data).name, 'TooShort')
  const { revert } = await refusal(board.post.staticCall('no'))
  assert.equal(revert.name, 'TooShort')
  assert.deepEqual([...revert.args], [2n, 3n])
})

await flow('revert reason', async () => {
  assert.equal((await refusal(board.refuse('because'))).reason, 'because')
  assert.match((await refusal(board.divide(1, 0))).reason, /DIVIDE_BY_ZERO/)
  const sent = await payer.sendTransaction({ to: board.target, data: board.interface.encodeFunctionData('refuse', ['late']), gasLimit: 100_000n })
  const failed = await refusal(sent.wait())
  assert.equal(failed.code, 'CALL_EXCEPTION')
  assert.equal(failed.receipt.status, 0)
})

await flow('ERC-20', async () => {
  const coin = await deploy(Coin, parseEther('1000'))
  const friend = fresh().address
  await mined(coin.transfer(friend, 7n))
  await mined(coin.approve(payer.address, 9n))
  await mined(coin.transferFrom(payer.address, friend, 9n))
  assert.equal(await coin.balanceOf(friend), 16n)
  const moves = await coin.queryFilter(coin.filters.Transfer(null, friend), 0)
  assert.deepEqual(moves.map((m) => m.args.value), [7n, 9n])
  assert.equal((await refusal(coin.transferFrom.staticCall(friend, payer.address, 1n))).revert.name, 'ERC20InsufficientAllowance')
  const message = { owner: payer.address, spender: friend, value: 11n, nonce: await coin.nonces(payer.address), deadline: 2n ** 64n }
  const signature = await payer.signTypedData(
    { name: 'Coin', version: '1', chainId: 20260, verifyingContract: coin.target },
    { Permit: Object.keys(message).map((name) => ({ name, type: ['owner', 'spender'].includes(name) ? 'address' : 'uint256' })) }, message)
  const [r, s, v] = [signature.slice(0, 66), '0x' + signature.slice(66, 130), '0x' + signature.slice(130)]
  await mined(coin.permit(message.owner, message.spender, message.value, message.deadline, v, r, s))
  assert.equal(await coin.allowance(payer.address, friend), 11n)
})

await flow('ERC-721', async () => {
  const deed = await deploy(Deed)
  const friend = fresh().address
  await mined(deed.mint(payer.address))
  await mined(deed['safeTransferFrom(address,address,uint256)'](payer.address, friend, 1n))
  assert.equal(await deed.ownerOf(1n), friend)
  assert.equal((await refusal(deed.mint.staticCall(board.target))).revert.name, 'ERC721InvalidReceiver')
})

await flow('proof', async () => {
  const proof = await provider.send('eth_getProof', [board.target, [zeroPadValue('0x01', 32)], 'latest'])
  assert.equal(BigInt(proof.storageProof[0].value), await board.count())
  assert.equal(proof.codeHash, keccak256(await board.getDeployedCode()))
  assert.equal(getAddress(proof.address), board.target)
})

await flow('nonces in a row', async () => {
  // Waiting for each, as a deployment script does: the answer that ethers remembers must not be old.
  for (let i = 0; i < 6; i++) await mined(payer.sendTransaction({ to: payer.address }))
  const to = fresh().address
  const manager = new NonceManager(payer)
  const sent = await Promise.all(Array.from({ length: 6 }, () => manager.sendTransaction({ to, value: 1n })))
  await Promise.all(sent.map(mined))
  assert.equal(await provider.getBalance(to), 6n)
})

await flow('refusals', async () => {
  assert.equal((await refusal(fresh().sendTransaction({ to: payer.address, value: 1n }))).code, 'INSUFFICIENT_FUNDS')
  assert.equal((await refusal(payer.sendTransaction({ to: payer.address, nonce: 0, gasLimit: 21_000 }))).code, 'NONCE_EXPIRED')
  const nonce = (await payer.getNonce('pending')) + 1 // waits behind a gap
  const waiting = { to: payer.address, nonce, gasLimit: 21_000, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n }
  const first = await payer.sendTransaction(waiting)
  assert.equal((await refusal(payer.sendTransaction({ ...waiting, value: 1n }))).code, 'REPLACEMENT_UNDERPRICED')
  await payer.sendTransaction({ ...waiting, value: 1n, maxFeePerGas: 2n * 10n ** 11n, maxPriorityFeePerGas: 2n * 10n ** 9n })
  await mined(payer.sendTransaction({ ...waiting, nonce: nonce - 1 }))
  await until('the replacement', async () => (await payer.getNonce()) === nonce + 1)
  assert.equal(await provider.getTransactionReceipt(first.hash), null)
})

await flow('system contracts', async () => {
  const jobs = new Contract('0x000000000000000000000000000000000000a103', interfaceOf('IJobs'), payer)
  const quote = await jobs.quote(ZeroHash, 8, parseEther('0.01'), 0, 0, 0)
  assert.ok(quote.escrow > quote.pay && quote.pay === parseEther('0.08'))
  assert.equal((await refusal(jobs.cancel.staticCall(987654))).reason, 'jobs: no such job')
})

process.exit(0)
