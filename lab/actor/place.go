package actor

import "io"

// Place is where an actor lives. The zero Place is this machine's own network.
type Place struct {
	// Net gives the actor a network namespace of its own, set up like this.
	Net *Net

	// Plug moves the cable into the namespace of the process with that ID.
	Plug func(pid int) error

	// Output gets what the actor says; nil is standard error.
	Output io.Writer
}

// Net is one cable of an actor's namespace, as seen from inside.
type Net struct {
	Cable     string   `json:"cable"`     // the interface's name
	Addresses []string `json:"addresses"` // CIDR
	Gateway   string   `json:"gateway"`
}
