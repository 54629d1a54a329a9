//go:build kubelet

package main

import (
	"context"

	"github.com/spf13/cobra"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// The peer of bench/cluster_node.py. Tests have no use for it, so it is built only where it is asked for.
func init() {
	daemons["kubelet"] = func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }
}
