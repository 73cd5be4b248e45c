// Causeway keeps messengers reachable where they are blocked: a volunteer runs
// it, and the official app connects through it.
package main

import (
	"os"

	"causeway/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
