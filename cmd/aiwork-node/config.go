package main

import (
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/config"
	"github.com/aiwork/aiwork-node/internal/term"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "show the settings in force",
		Subcommands: []*cli.Command{{
			Name:   "show",
			Usage:  "show every setting, its value and where it came from",
			Flags:  settingFlags(),
			Action: configShow,
		}},
	}
}

// settingFlags gives one flag for each setting.
func settingFlags() []cli.Flag {
	var flags []cli.Flag
	for _, s := range config.Default("").Settings() {
		flags = append(flags, &cli.StringFlag{Name: strings.TrimPrefix(s.Flag, "--"), Usage: s.Help, DefaultText: s.Value})
	}
	return flags
}

// loadConfig finds the settings of the node in --home.
func loadConfig(c *cli.Context) (*config.Config, error) {
	return config.Load(nodeHome(c).Dir, os.Environ(), func(name string) (string, bool) {
		return c.String(name), c.IsSet(name)
	})
}

func configShow(c *cli.Context) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	settings := cfg.Settings()
	return printer(c).Result(settings, func(w io.Writer) {
		var rows [][]string
		for _, s := range settings {
			rows = append(rows, []string{s.Key, string(s.Origin), s.Flag, s.Env, s.Value})
		}
		term.Table(w, []string{"setting", "from", "flag", "environment", "value"}, rows)
	})
}
