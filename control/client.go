package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"

	"causeway/invite"
)

// ErrNotRunning says that no proxy runs with this state folder.
var ErrNotRunning = errors.New("causeway serve does not run")

// Client asks a running proxy. Its methods are those of Desk.
type Client struct{ http http.Client }

// Dial returns a client of the proxy that runs with this state folder, else
// ErrNotRunning.
func Dial(ctx context.Context, state string) (*Client, error) {
	path, err := socketPath(state)
	if err != nil {
		return nil, ErrNotRunning // it could not have opened the socket either
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: requestTime}).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx, "", "")
	switch {
	case errors.Is(err, fs.ErrPermission) || os.IsTimeout(err) || ctx.Err() != nil:
		return nil, fmt.Errorf("reaching causeway serve: %w", err)
	case err != nil: // there is no socket, or a dead one
		return nil, ErrNotRunning
	}
	conn.Close()
	return &Client{http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Timeout:   answerTime,
	}}, nil
}

// Status says how the proxy runs.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, "status", struct{}{})
}

// List returns all invitations, oldest first.
func (c *Client) List(ctx context.Context) ([]Entry, error) {
	return ask[[]Entry](ctx, c, "list", struct{}{})
}

// New makes an invitation.
func (c *Client) New(ctx context.Context, draft invite.Draft) (Entry, error) {
	return ask[Entry](ctx, c, "new", draft)
}

// Find returns the invitation with this id or label.
func (c *Client) Find(ctx context.Context, name string) (Entry, error) {
	return ask[Entry](ctx, c, "find", named{name})
}

// Revoke ends an invitation and what it admitted.
func (c *Client) Revoke(ctx context.Context, name string) (Entry, error) {
	return ask[Entry](ctx, c, "revoke", named{name})
}

func ask[A any](ctx context.Context, c *Client, what string, question any) (answer A, err error) {
	body, err := json.Marshal(question)
	if err != nil {
		return answer, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://causeway/"+what, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer, fmt.Errorf("asking causeway serve: %w", err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer, fmt.Errorf("asking causeway serve: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return answer, remote(response, data)
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, fmt.Errorf("asking causeway serve: %w", err)
	}
	return answer, nil
}

// remote is the error that the proxy answered with.
func remote(response *http.Response, data []byte) error {
	var why failure
	if err := json.Unmarshal(data, &why); err != nil || why.Error == "" {
		return fmt.Errorf("causeway serve answers %s; restart it with the same version as this command", response.Status)
	}
	switch why.Kind {
	case kindUnknown:
		return &remoteError{why.Error, invite.ErrUnknown}
	case kindInvalid:
		return &remoteError{why.Error, invite.ErrInvalid}
	}
	return errors.New(why.Error)
}

// remoteError is an error of a kind that callers branch on.
type remoteError struct {
	text string
	kind error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }
