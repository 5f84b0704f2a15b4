package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// seed makes every run generate the same events, up to the time of the first.
	seed = 20260401
	// span is the event time that the events are spread over, whatever their number.
	span = 50 * time.Minute
	// outOfOrder of the events in a thousand come up to outOfOrderBy behind newer
	// ones; veryLate in a thousand come minutes behind.
	outOfOrder   = 100
	outOfOrderBy = 15 * time.Second
	veryLate     = 10
	veryLateBy   = 10 * time.Minute
	// parts is how many times the job runs: from nothing, with its state, without.
	parts = 3
)

// actions with their weights; the sum is 100.
var actions = [...]struct {
	name   string
	weight int
}{{"view", 50}, {"search", 20}, {"click", 15}, {"login", 8}, {"purchase", 5}, {"logout", 2}}

// raw is one event with its time in ms, in the order of sending.
type raw struct {
	Event
	Time int64
}

// generator makes events of users that come and go.
type generator struct {
	rng    *rand.Rand
	users  int
	active []int // who is online; the first are the busiest
}

// usersFor scales the number of users with the events, so that small runs still
// have sessions and large ones many users.
func usersFor(events int) int { return min(max(events/500, 8), 400) }

// generate makes n events from base (ms) on, cut into as many parts as the job has
// runs: most of them first.
func generate(n int, base int64) [parts][]raw {
	users := usersFor(n)
	g := generator{rng: rand.New(rand.NewPCG(seed, uint64(n))), users: users}
	for range max(users/8, 2) {
		g.active = append(g.active, g.rng.IntN(users))
	}
	var out [parts][]raw
	bounds := [parts + 1]int{0, n * 8 / 10, n * 9 / 10, n}
	for p := range parts {
		for i := bounds[p]; i < bounds[p+1]; i++ {
			now := base + int64(i)*span.Milliseconds()/int64(n)
			out[p] = append(out[p], g.next(now, i-bounds[p]))
		}
	}
	return out
}

// next is the event sent at now. Each part begins with one punctual event of every
// user: after a restart an operator knows the newest time only from new events, and
// what is late must not depend on where the restart was.
func (g *generator) next(now int64, index int) raw {
	if index < g.users {
		return raw{Event{userID(index), "login"}, now}
	}
	if g.rng.IntN(30) == 0 { // somebody leaves, somebody comes
		g.active[g.rng.IntN(len(g.active))] = g.rng.IntN(g.users)
	}
	return raw{Event{userID(g.pick()), g.action()}, now - g.delay()}
}

// pick prefers the first of those online: some users are much busier than others.
func (g *generator) pick() int {
	r := g.rng.Float64()
	return g.active[int(r*r*float64(len(g.active)))]
}

func (g *generator) action() string {
	r := g.rng.IntN(100)
	for _, a := range actions {
		if r -= a.weight; r < 0 {
			return a.name
		}
	}
	return actions[0].name
}

// delay is how long the event was under way, in ms.
func (g *generator) delay() int64 {
	switch r := g.rng.IntN(1000); {
	case r < veryLate:
		return g.rng.Int64N(veryLateBy.Milliseconds())
	case r < veryLate+outOfOrder:
		return g.rng.Int64N(outOfOrderBy.Milliseconds())
	}
	return 0
}

func userID(i int) string { return fmt.Sprintf("u-%03d", i) }

// profiles are of nine users in ten; every third of them changed plans once.
func profiles(users int) []profile {
	var out []profile
	for i := range users {
		if i%10 != 9 {
			out = append(out, profile{userID(i), Profile{fmt.Sprintf("User %d", i), "free"}})
		}
	}
	for i := range users {
		if i%10 != 9 && i%3 == 0 {
			out = append(out, profile{userID(i), Profile{fmt.Sprintf("User %d", i), "pro"}})
		}
	}
	return out
}

// profile is one record of the table's topic.
type profile struct {
	user string
	Profile
}
