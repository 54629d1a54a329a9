package main

import (
	"github.com/spf13/cobra"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	generated "k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app/options"
	"sigs.k8s.io/metrics-server/pkg/api"
)

// metrics-server 0.8 is made with older libraries than these. All of it works with them but its OpenAPI definitions,
// whose names are others by now: the ones that Kubernetes itself has take their place. (0.9 brings newer versions of half
// of what the API server is made of.)
func newMetricsServerCommand() *cobra.Command {
	options := options.NewOptions()
	command := &cobra.Command{Use: "metrics-server", SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		if errs := options.Validate(); len(errs) > 0 {
			return errs[0]
		}
		config, err := options.ServerConfig()
		if err != nil {
			return err
		}
		names := openapi.NewDefinitionNamer(api.Scheme)
		config.Apiserver.OpenAPIConfig = server.DefaultOpenAPIConfig(generated.GetOpenAPIDefinitions, names)
		config.Apiserver.OpenAPIV3Config = server.DefaultOpenAPIV3Config(generated.GetOpenAPIDefinitions, names)
		metrics, err := config.Complete()
		if err != nil {
			return err
		}
		return metrics.RunUntil(server.SetupSignalHandler())
	}}
	flags := options.Flags()
	for _, set := range flags.FlagSets {
		command.Flags().AddFlagSet(set)
	}
	return command
}
