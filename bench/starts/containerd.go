package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// A kubelet's part before containerd: the pod's sandbox, its container, its start.
type containerd struct {
	runtime cri.RuntimeServiceClient
	image   string
}

func newContainerd(socket, image string) *containerd {
	connection, err := grpc.Dial("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	return &containerd{cri.NewRuntimeServiceClient(connection), image}
}

func (c *containerd) start(number int) time.Duration {
	runtime, image := c.runtime, c.image
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), number)
	sandbox := &cri.PodSandboxConfig{
		Metadata:     &cri.PodSandboxMetadata{Name: name, Uid: name, Namespace: "bench"},
		LogDirectory: os.TempDir(),
		Linux:        &cri.LinuxPodSandboxConfig{CgroupParent: "/bench"},
	}
	started := time.Now()
	pod, err := runtime.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: sandbox})
	check(err)
	container, err := runtime.CreateContainer(ctx, &cri.CreateContainerRequest{
		PodSandboxId: pod.PodSandboxId,
		Config: &cri.ContainerConfig{
			Metadata: &cri.ContainerMetadata{Name: "web"},
			Image:    &cri.ImageSpec{Image: image},
			Command:  []string{"httpd", "-f", "-p", "8080", "-h", "/www"},
			LogPath:  name + ".log",
			Linux:    &cri.LinuxContainerConfig{},
		},
		SandboxConfig: sandbox,
	})
	check(err)
	_, err = runtime.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: container.ContainerId})
	check(err)
	status, err := runtime.PodSandboxStatus(ctx, &cri.PodSandboxStatusRequest{PodSandboxId: pod.PodSandboxId})
	check(err)
	awaitOK(ctx, "http://"+status.Status.Network.Ip+":8080/")
	took := time.Since(started)
	_, err = runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: pod.PodSandboxId})
	check(err)
	_, err = runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: pod.PodSandboxId})
	check(err)
	return took
}
