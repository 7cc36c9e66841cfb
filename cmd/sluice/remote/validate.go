package remote

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/manifests"
)

// manifestFlags say which manifests are meant.
type manifestFlags struct {
	paths     []string
	recursive bool
}

func (f *manifestFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.paths, "filename", "f", nil, "a file, a folder, or - for standard input; may be repeated")
	cmd.Flags().BoolVarP(&f.recursive, "recursive", "R", false, "folders in folders, too")
}

func (f *manifestFlags) read(cmd *cobra.Command) ([]manifests.Manifest, error) {
	if len(f.paths) == 0 {
		return nil, errors.New("-f is missing: name a file or a folder with manifests, or - for standard input")
	}
	all, err := manifests.Read(f.paths, f.recursive, cmd.InOrStdin())
	for _, m := range all {
		if m.Config["connector.class"] == "" { // by it the worker is asked
			return nil, fmt.Errorf("%s: connector.class is missing: say of which class the connector %s is", m.Source, m.Name)
		}
	}
	return all, err
}

// manifestForms stands in the help of the commands that read manifests.
const manifestForms = `A manifest is the body of a POST ({"name": ..., "config": {...}}), a plain configuration with its name, or what ` + "`sluice get -o yaml --show-secrets`" + ` writes; as
JSON, YAML or .properties. A file may hold several: a JSON list, or YAML documents. In a folder .json, .yaml, .yml and .properties count.`

func (s *session) validateCommand() *cobra.Command {
	var (
		files manifestFlags
		out   output
	)
	cmd := &cobra.Command{
		Use:     "validate -f FILE|FOLDER|-",
		Short:   "Have a worker check manifests, and create nothing",
		GroupID: groupChange,
		Long: `Have a worker check manifests as it would when they are submitted: every error, by its key, of every manifest. Keys that neither the framework nor the
class knows are warnings, with what may have been meant.

` + manifestForms + "\n\n" + exitCodes,
		Example: `  sluice validate -f connectors/
  sluice validate -f sensors.yaml -o json | jq '.[] | select(.warning | not)'
  generate-manifest | sluice validate -f -`,
		Args: cobra.NoArgs,
		RunE: coded(func(cmd *cobra.Command, _ []string) error {
			all, err := files.read(cmd)
			if err != nil {
				return err
			}
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			found := findings{}
			for _, m := range all {
				some, err := judge(cmd.Context(), c, m)
				if err != nil {
					return err
				}
				found = append(found, some...)
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				err = out.write(page, found)
			} else {
				found.show(page)
				page.printf("%d of %d manifests would be accepted\n", len(all)-refusedCount(found), len(all))
			}
			if err == nil && found.errors() > 0 {
				err = &Error{code: exitInvalid}
			}
			return err
		}),
	}
	files.register(cmd)
	out.register(cmd)
	return cmd
}

// refusedCount is how many manifests have errors.
func refusedCount(found findings) int {
	refused := map[string]bool{}
	for _, one := range found {
		if !one.Warning {
			refused[one.Connector] = true
		}
	}
	return len(refused)
}
