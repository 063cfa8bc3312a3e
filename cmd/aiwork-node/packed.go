package main

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/packed"
)

// packedFlag says how much may be kept of what models are packed into.
func packedFlag() cli.Flag {
	return &cli.IntFlag{
		Name: "packed-mib", Usage: "`MIB` on the disk for weights as the processor takes them, which processes share; 0: each packs its own",
		Value: packed.DefaultBytesMax >> 20,
	}
}

// packedFolder lies beside the models of a folder.
const packedFolder = "packed"

// packedOf gives the folder of packed weights that belongs to a folder of models.
func packedOf(c *cli.Context, models string) packed.Folder {
	if models == "" {
		return packed.Folder{}
	}
	return packed.Folder{Dir: filepath.Join(models, packedFolder), BytesMax: int64(c.Int("packed-mib")) << 20, Build: packed.Build()}
}
