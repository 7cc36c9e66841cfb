package remote

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/cmd/sluice/contexts"
)

func contextCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "context", Short: "Give clusters names, and choose the one that commands talk to", GroupID: groupSetUp,
		Long: `Give clusters names, and choose the one that commands talk to. They are kept in $XDG_CONFIG_HOME/sluice/config.yaml, or in ~/.config. No password is: a
context names the file with it, or SLUICE_PASSWORD has it, or you are asked.

--context and SLUICE_CONTEXT choose another one for a while; with --server or SLUICE_SERVER none counts.`,
		Example: `  sluice context set prod --server https://connect.example:8083 --user ops --password-file ~/.secrets/connect --bootstrap-servers kafka:9092
  sluice context use prod
  sluice context ls`,
	}
	cmd.AddCommand(contextListCommand(), contextUseCommand(), contextSetCommand(), contextRemoveCommand())
	return cmd
}

// contextsFile is the file and where it is.
func contextsFile() (*contexts.File, string, error) {
	path, err := contexts.Path()
	if err != nil {
		return nil, "", err
	}
	file, err := contexts.Load(path)
	return file, path, err
}

func completeContexts(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	file, _, err := contextsFile()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return file.Names(), cobra.ShellCompDirectiveNoFileComp
}

func contextListCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the contexts; a star stands before the current one", Args: cobra.NoArgs,
		Example: `  sluice context ls
  sluice context ls -o yaml`,
		RunE: coded(func(cmd *cobra.Command, _ []string) error {
			file, _, err := contextsFile()
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				return out.write(page, file)
			}
			rows := new(table)
			rows.row("", "NAME", "SERVER", "USER", "KAFKA")
			for _, name := range file.Names() {
				c, star := file.Contexts[name], ""
				if name == file.Current {
					star = "*"
				}
				rows.row(star, name, c.Server, c.User, c.BootstrapServers)
			}
			rows.write(page, "")
			return nil
		}),
	}
	out.register(cmd)
	return cmd
}

// fileWithContext is the contexts file, where it has a context of that name.
func fileWithContext(name string) (file *contexts.File, path string, err error) {
	if file, path, err = contextsFile(); err == nil {
		_, err = file.Context(name)
	}
	return file, path, err
}

func contextUseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "use NAME", Short: "Choose the context that counts from now on", Args: cobra.ExactArgs(1), ValidArgsFunction: completeContexts,
		Example: "  sluice context use prod",
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			file, path, err := fileWithContext(args[0])
			if err != nil {
				return err
			}
			file.Current = args[0]
			return file.Save(path)
		}),
	}
}

func contextSetCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Add a context, or change what is said of one", Args: cobra.ExactArgs(1), ValidArgsFunction: completeContexts,
		Long: `Add a context, or change what is said of one: only what the flags say changes, and an empty value takes it away. The first one becomes the current one.`,
		Example: `  sluice context set local --server http://127.0.0.1:8083 --bootstrap-servers 127.0.0.1:9092
  sluice context set prod --server https://connect.example:8083 --user ops --password-file ~/.secrets/connect --ca-file ca.pem
  sluice context set prod --kafka-config client.properties`,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			file, path, err := contextsFile()
			if err != nil {
				return err
			}
			c, given := file.Contexts[args[0]], t.given
			for _, set := range []struct {
				flag     string
				from, to *string
				path     bool
			}{
				{"server", &given.Server, &c.Server, false}, {"user", &given.User, &c.User, false},
				{"password-file", &given.PasswordFile, &c.PasswordFile, true}, {"ca-file", &given.CAFile, &c.CAFile, true},
				{"cert-file", &given.CertFile, &c.CertFile, true}, {"key-file", &given.KeyFile, &c.KeyFile, true},
				{"bootstrap-servers", &given.BootstrapServers, &c.BootstrapServers, false}, {"kafka-config", &given.KafkaConfig, &c.KafkaConfig, true},
			} {
				if !cmd.Flags().Changed(set.flag) {
					continue
				}
				if *set.to = *set.from; set.path && *set.to != "" { // it has to be found from wherever a command runs
					if *set.to, err = filepath.Abs(*set.to); err != nil {
						return fmt.Errorf("--%s: %w", set.flag, err)
					}
				}
			}
			if c.Server == "" {
				return fmt.Errorf("--server is missing: say where the context's workers answer")
			}
			if _, err := client.New(c.Server, client.Options{}); err != nil {
				return fmt.Errorf("--server: %w", err)
			}
			file.Contexts[args[0]] = c
			if file.Current == "" {
				file.Current = args[0]
			}
			return file.Save(path)
		}),
	}
	t.registerPlaces(cmd)
	t.registerKafka(cmd)
	return cmd
}

func contextRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "Forget a context", Args: cobra.ExactArgs(1), ValidArgsFunction: completeContexts,
		Example: "  sluice context rm old",
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			file, path, err := fileWithContext(args[0])
			if err != nil {
				return err
			}
			delete(file.Contexts, args[0])
			if file.Current == args[0] {
				file.Current = ""
			}
			return file.Save(path)
		}),
	}
}
