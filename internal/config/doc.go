// Package config finds out what an operator wants: flag beats environment beats file beats default.
//
// Nouns. A Config is the settings in force. Each setting has one key (rpc.listen), one flag (--rpc), one
// environment variable (AIWORK_RPC_LISTEN) and one place in config.toml; Origin tells where its value
// came from. A key that does not exist is an error wherever it is written, because a misspelt setting
// that is silently ignored is worse than a node that does not start.
//
// What all nodes of a chain must agree on is not here: it lives in genesis, as chain.Params.
package config
