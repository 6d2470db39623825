// A peer of the contact centre's push: net/http and pgx, one event a request, answered 202 once
// the event and an outbox row are durable. Both rows are written by one statement, which is its
// own transaction. PORT and DSN come from the environment.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const mostBytes = 64 << 10

const insert = `
WITH kept AS (
    INSERT INTO peer.event (source, id, contact, kind, at, body) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING RETURNING contact, body)
INSERT INTO peer.outbox (key, payload) SELECT contact, body FROM kept`

// event is what the peer reads of a pushed event; fields it does not know are passed over.
type event struct {
	ID         string            `json:"id"`
	Contact    string            `json:"contact"`
	Kind       string            `json:"type"`
	At         time.Time         `json:"at"`
	Channel    string            `json:"channel"`
	Direction  string            `json:"direction"`
	Party      string            `json:"party"`
	Queue      string            `json:"queue"`
	Branch     string            `json:"branch"`
	Agent      string            `json:"agent"`
	From       string            `json:"from"`
	To         string            `json:"to"`
	Attributes map[string]string `json:"attributes"`
}

func read(r *http.Request) (*event, []byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, mostBytes))
	if err != nil {
		return nil, nil, err
	}
	var pushed event
	if err := json.Unmarshal(body, &pushed); err != nil {
		return nil, nil, err
	}
	if pushed.ID == "" || pushed.Contact == "" || pushed.Kind == "" || pushed.At.IsZero() {
		return nil, nil, errors.New("id, contact, type and at are required")
	}
	return &pushed, body, nil
}

func main() {
	config, err := pgxpool.ParseConfig(os.Getenv("DSN"))
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	push := func(w http.ResponseWriter, r *http.Request) {
		pushed, body, err := read(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		_, err = pool.Exec(r.Context(), insert,
			"peer", pushed.ID, pushed.Contact, pushed.Kind, pushed.At, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"accepted":1}`))
	}
	http.HandleFunc("POST /contact-center/v1/events", push)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
