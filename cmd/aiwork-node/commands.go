package main

import "github.com/urfave/cli/v2"

// commands lists every command in the order in which a newcomer meets them.
func commands() []*cli.Command {
	return []*cli.Command{
		devnetCommand(),
		initCommand(),
		startCommand(),
		workerCommand(),
		statusCommand(),
		keysCommand(),
		accountCommand(),
		jobCommand(),
		configCommand(),
		dbCommand(),
		testnetCommand(),
		benchCommand(),
		simCommand(),
		evmCommand(),
		modelCommand(),
		aiCommand(),
		deviceCommand(),
		versionCommand(),
		engineCommand(),
	}
}
