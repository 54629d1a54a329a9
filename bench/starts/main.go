// Starts one container and says how long it took until its first HTTP 200: by containerd over CRI, as a kubelet does, or by duet.
//
//	starts containerd SOCKET IMAGE
//	starts duet DUET STATE RUN IMAGE
//
// Starts one for each line on stdin and prints one line for it: milliseconds from the first call, or from the start of
// `duet apply`, to the answer.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"time"
)

const timeout = 60 * time.Second

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "starts:", err)
		os.Exit(1)
	}
}

func awaitOK(ctx context.Context, url string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for ctx.Err() == nil {
		answer, err := client.Get(url)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == 200 {
				return
			}
		}
		time.Sleep(500 * time.Microsecond)
	}
	check(ctx.Err())
}

func main() {
	var starter interface {
		start(number int) time.Duration
	}
	switch words := os.Args[1:]; {
	case len(words) == 3 && words[0] == "containerd":
		starter = newContainerd(words[1], words[2])
	case len(words) == 5 && words[0] == "duet":
		starter = newDuet(words[1], words[2], words[3], words[4])
	default:
		fmt.Fprintln(os.Stderr, "usage: starts containerd SOCKET IMAGE, or starts duet DUET STATE RUN IMAGE")
		os.Exit(2)
	}
	lines := bufio.NewScanner(os.Stdin)
	for number := 0; lines.Scan(); number++ {
		fmt.Printf("%.1f\n", float64(starter.start(number).Microseconds())/1000)
	}
}
