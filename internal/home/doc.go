// Package home knows what lies where in a node's folder.
//
//	config.toml        settings (internal/config)
//	genesis.json       the network that the node belongs to
//	keys/accounts/     account keys as Web3 keystores, unlocked with a password
//	keys/account.key   account key in plain hexadecimal instead (devnets)
//	keys/vote.key      signs consensus votes
//	keys/vrf.key       proves leader draws
//	keys/p2p.key       names the node to its peers
//	data/              blocks and state
//	votelog/           what this validator has signed
//	blobs/             inputs of open jobs
//	models/            models that can be run, beside those that ship; packed/ in it can be removed at any time
//	objects/           what is or was fetched from peers
//	mempool.journal    waiting transactions across a restart
//
// Account, vote and VRF keys are separate keys: who unlocks a node to sign votes cannot move its funds.
// Plain key files are readable by their owner only, or refused.
package home
