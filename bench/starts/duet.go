package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A person's part before a node of duet: `duet apply`, and a watch that tells the pod's address.
type duet struct {
	program, state, run, image string
	client                     *http.Client
}

func newDuet(program, state, run, image string) *duet {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(run, "duet.sock"))
	}
	return &duet{program, state, run, image, &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

func (d *duet) command(input string, words ...string) {
	command := exec.Command(d.program, append(words, "--state-dir", d.state, "--run-dir", d.run)...)
	command.Stdin = strings.NewReader(input)
	command.Stderr = os.Stderr
	check(command.Run())
}

const manifest = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": %q}, "spec": {"terminationGracePeriodSeconds": 0,
"containers": [{"name": "main", "image": %q, "imagePullPolicy": "IfNotPresent", "command": ["httpd", "-f", "-p", "8080", "-h", "/www"]}]}}`

func (d *duet) start(number int) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), number)
	request, err := http.NewRequestWithContext(ctx, "GET", "http://node/api/v1/namespaces/default/pods?watch=true&fieldSelector=metadata.name="+name, nil)
	check(err)
	watch, err := d.client.Do(request)
	check(err)
	defer watch.Body.Close()
	events := json.NewDecoder(watch.Body)
	started := time.Now()
	d.command(fmt.Sprintf(manifest, name, d.image), "apply", "-f", "-")
	var event struct {
		Object struct{ Status struct{ PodIP string } }
	}
	for event.Object.Status.PodIP == "" {
		check(events.Decode(&event))
	}
	awaitOK(ctx, "http://"+event.Object.Status.PodIP+":8080/")
	took := time.Since(started)
	d.command("", "delete", "pod", name)
	// What a deletion leaves to do must not slow down the next start, by whomever.
	for left, err := os.ReadDir(filepath.Join(d.run, "pods")); err == nil && len(left) > 0; left, err = os.ReadDir(filepath.Join(d.run, "pods")) {
		time.Sleep(5 * time.Millisecond)
	}
	return took
}
